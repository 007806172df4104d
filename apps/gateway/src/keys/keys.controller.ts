import { Controller } from '@nestjs/common';
import { z } from 'zod';
import {
  issuedKeyAnswer,
  keyBody,
  keysAnswer,
  revokedKeyAnswer,
  rotationBody,
  type KeyAnswer,
} from '@bailiwick/contracts/http/bodies';
import { keyId, type KeyView } from '@bailiwick/contracts/keys/key';
import { systemClock } from '@bailiwick/core/clock';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { IssuedKeys } from '../auth/issued-keys';
import { PersonNames } from '../auth/person-names';
import { Pseudonyms } from '../auth/pseudonyms';
import { Body, Ctx, Endpoint, Params } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';

const named = z.strictObject({ id: keyId });
type Named = z.infer<typeof named>;

/** The overlap of a rotation that states none. */
const OVERLAP = '1d';

/**
 * The keys of a tenant. The change is made before it is recorded in the tenant's log, and answered after both: a revocation
 * is not delayed by an owner that is busy, and a key whose issue is not recorded was never handed out. If a process dies in
 * between, the change is recorded all the same.
 */
@Controller()
export class KeysController {
  constructor(
    private readonly keys: IssuedKeys,
    private readonly pseudonyms: Pseudonyms,
    private readonly names: PersonNames,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/keys',
    summary: 'Issue a key to a person or a service; it is returned once',
    roles: ['admin'],
    answer: issuedKeyAnswer,
    status: 201,
  })
  async issue(@Ctx() context: RequestContext, @Body(keyBody) body: z.infer<typeof keyBody>): Promise<unknown> {
    const { tenant, actor } = context.caller;
    if (body.expiresAt !== undefined && Date.parse(body.expiresAt) <= systemClock.now())
      throw new Refused('BAD_REQUEST', `expiresAt ${body.expiresAt} has passed`);
    if (body.person !== undefined)
      this.names.record(tenant, [{ ref: this.pseudonyms.ref(tenant, 'person', body.person), name: body.person }]);
    const { view, secret, position } = await this.keys.issue(tenant, { ...body, createdBy: actor.id }, actor);
    return { ...this.shown(tenant, view), key: secret, position };
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/keys',
    summary: 'The keys of the tenant, without their secrets',
    roles: ['admin'],
    answer: keysAnswer,
  })
  async list(@Ctx() { caller }: RequestContext): Promise<unknown> {
    const all = await this.keys.list(caller.tenant);
    return this.names.shown(caller, { items: all.map((view) => this.shown(caller.tenant, view)), next: null });
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/keys/:id/rotation',
    summary: 'Issue a new secret for a key; the earlier one stays valid for a stated time',
    roles: ['admin'],
    answer: issuedKeyAnswer,
  })
  async rotate(
    @Ctx() context: RequestContext,
    @Params(named) { id }: Named,
    @Body(rotationBody) { overlap = OVERLAP }: z.infer<typeof rotationBody>,
  ): Promise<unknown> {
    const { tenant, actor } = context.caller;
    const overlapMs = parseDuration(overlap) ?? 0;
    if (overlapMs > LIMITS.keys.overlapMs)
      throw new Refused('BAD_REQUEST', `an overlap is at most ${LIMITS.keys.overlapMs / 86_400_000}d`);
    const { view, secret, position } = await this.keys.rotate(tenant, id, overlapMs, actor);
    return { ...this.shown(tenant, view), key: secret, position };
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/keys/:id',
    summary: 'Revoke a key: every gateway refuses it within a second',
    roles: ['admin'],
    answer: revokedKeyAnswer,
  })
  async revoke(@Ctx() context: RequestContext, @Params(named) { id }: Named): Promise<unknown> {
    const { tenant, actor } = context.caller;
    const { view, position } = await this.keys.revoke(tenant, id, actor);
    return { ...this.shown(tenant, view), position };
  }

  private shown(tenant: string, view: KeyView): KeyAnswer {
    const ref = this.refOf(tenant, view);
    return { ...view, ...(ref === undefined ? {} : { ref }) };
  }

  private refOf(tenant: string, { person }: KeyView): string | undefined {
    return person === undefined ? undefined : this.pseudonyms.ref(tenant, 'person', person);
  }
}
