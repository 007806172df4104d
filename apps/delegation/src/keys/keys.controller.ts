import { Controller, Inject } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { DEADLINE_HEADER, type Answer } from '@bailiwick/contracts/commands/command';
import {
  forgetPeopleRequest,
  keysRequest,
  peopleOfKeysRequest,
  takeOverRequest,
  tenantKeysRequest,
} from '@bailiwick/contracts/keys/key';
import { issueKeysRequest, revokeKeyRequest, rotateKeyRequest } from '@bailiwick/contracts/keys/key-requests';
import type { KeyRefusal, PostgresKeys } from '@bailiwick/event-store/postgres/keys';
import type { Result } from '@bailiwick/core/result';
import { BusContext } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { adminSubject } from '@bailiwick/messaging/subjects';
import type { z } from 'zod';
import { ACCESS_KEYS } from '../connections/tokens';
import { TOO_LATE } from '../log-owner/deadline';
import { LogOwnership } from '../ownership/log-ownership';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';

/**
 * Stores API keys for the gateways, which have no connection to the database. It decides nothing about who may do so: the
 * gateway has admitted the sender, and records the change in the tenant's log; `KeyRecords` does if the gateway cannot.
 */
@Controller()
export class KeysController {
  constructor(
    private readonly ownership: LogOwnership,
    @Inject(ACCESS_KEYS) private readonly keys: PostgresKeys,
  ) {}

  /** Returns the changes after a version. */
  @MessagePattern(adminSubject('keys'))
  async changes(@Payload(new ZodPipe(keysRequest)) { after, used }: z.infer<typeof keysRequest>): Promise<Answer> {
    await this.keys.used(used ?? []);
    return { ok: true, value: await this.keys.changes(after) };
  }

  @MessagePattern(adminSubject('tenant-keys'))
  async list(@Payload(new ZodPipe(tenantKeysRequest)) { tenant }: z.infer<typeof tenantKeysRequest>): Promise<Answer> {
    return { ok: true, value: { keys: await this.keys.list(tenant) } };
  }

  @MessagePattern(adminSubject('issue-keys'))
  issue(
    @Payload(new ZodPipe(issueKeysRequest)) { tenant, keys, mode, record }: z.infer<typeof issueKeysRequest>,
    @Ctx() context: BusContext,
  ): Promise<Answer> {
    return this.unlessLate(context, async () => answer(await this.keys.issue(tenant, keys, mode, record)));
  }

  @MessagePattern(adminSubject('rotate-key'))
  rotate(
    @Payload(new ZodPipe(rotateKeyRequest)) request: z.infer<typeof rotateKeyRequest>,
    @Ctx() context: BusContext,
  ): Promise<Answer> {
    return this.unlessLate(context, async () => answer(await this.rotated(request)));
  }

  /** A late revocation is carried out all the same: it takes authority away. */
  @MessagePattern(adminSubject('revoke-key'))
  async revoke(
    @Payload(new ZodPipe(revokeKeyRequest)) { tenant, id, record }: z.infer<typeof revokeKeyRequest>,
  ): Promise<Answer> {
    return answer(await this.keys.revoke(tenant, id, record));
  }

  @MessagePattern(adminSubject('take-over-keys'))
  async takeOver(@Payload(new ZodPipe(takeOverRequest)) { keys }: z.infer<typeof takeOverRequest>): Promise<Answer> {
    await this.keys.takeOver(keys);
    return { ok: true, value: {} };
  }

  @MessagePattern(adminSubject('people-of-keys'))
  async people(
    @Payload(new ZodPipe(peopleOfKeysRequest)) { tenant, after }: z.infer<typeof peopleOfKeysRequest>,
  ): Promise<Answer> {
    return { ok: true, value: await this.keys.people(tenant, after) };
  }

  @MessagePattern(adminSubject('forget-people'))
  async forget(
    @Payload(new ZodPipe(forgetPeopleRequest)) { tenant, people }: z.infer<typeof forgetPeopleRequest>,
  ): Promise<Answer> {
    await this.keys.forget(tenant, people);
    return { ok: true, value: {} };
  }

  private rotated({
    tenant,
    id,
    digest,
    jwks,
    overlapMs,
    record,
  }: z.infer<typeof rotateKeyRequest>): Promise<Result<unknown, KeyRefusal>> {
    if (jwks) return this.keys.replaceJwks(tenant, id, jwks, record);
    return this.keys.rotate(tenant, id, digest ?? '', overlapMs, record);
  }

  private unlessLate(context: BusContext, work: () => Promise<Answer>): Promise<Answer> {
    const deadline = Number(context.getHeaders()[DEADLINE_HEADER.toLowerCase()] ?? Infinity);
    return this.ownership.isLate(deadline) ? Promise.resolve(TOO_LATE) : work();
  }
}

const answer = <T>(done: Result<T, KeyRefusal>): Answer =>
  done.ok ? { ok: true, value: done.value } : { ok: false, refusal: done.error };
