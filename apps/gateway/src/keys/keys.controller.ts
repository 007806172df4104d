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
import { name } from '@bailiwick/contracts/primitives';
import { systemClock } from '@bailiwick/core/clock';
import { parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { IssuedKeys } from '../auth/issued-keys';
import { PersonNames } from '../auth/person-names';
import { actorIdOf, Pseudonyms } from '../auth/pseudonyms';
import { Body, Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';

const named = z.strictObject({ id: keyId });
type Named = z.infer<typeof named>;

/** Both name a person in any spelling of theirs; `createdBy` may also be a shared key, `key:…`. */
const listQuery = z.strictObject({ person: name.optional(), createdBy: name.optional() });
type ListQuery = z.infer<typeof listQuery>;

const keyOf = (secret: string | undefined) => (secret === undefined ? {} : { key: secret });

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
    return { ...this.shown(tenant, view), ...keyOf(secret), position };
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/keys',
    summary: 'The keys of the tenant, without their secrets: all, those of a person, or those that a person issued',
    roles: ['admin'],
    answer: keysAnswer,
  })
  async list(@Ctx() { caller }: RequestContext, @Query(listQuery) { person, createdBy }: ListQuery): Promise<unknown> {
    const { tenant } = caller;
    const idOf = (who: string): string => actorIdOf(this.pseudonyms, tenant, who);
    const all = (await this.keys.list(tenant)).map((view) => this.shown(tenant, view));
    // by ref: a key keeps the name of its person as an admin typed it
    const items = all.filter(
      (each) =>
        (person === undefined || each.ref === idOf(person)) &&
        (createdBy === undefined || each.createdBy === idOf(createdBy)),
    );
    return this.names.shown(caller, { items, next: null });
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
    @Body(rotationBody) { overlap = OVERLAP, jwks }: z.infer<typeof rotationBody>,
  ): Promise<unknown> {
    const { tenant, actor } = context.caller;
    const overlapMs = parseDuration(overlap) ?? 0;
    if (overlapMs > LIMITS.keys.overlapMs)
      throw new Refused('BAD_REQUEST', `an overlap is at most ${LIMITS.keys.overlapMs / 86_400_000}d`);
    const { view, secret, position } = await this.keys.rotate(tenant, id, overlapMs, actor, jwks);
    return { ...this.shown(tenant, view), ...keyOf(secret), position };
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
