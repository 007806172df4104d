import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { grantView, runView, type GrantView, type RunView } from '@bailiwick/contracts/grants/grant';
import { shownNames } from '@bailiwick/contracts/people/person-names';
import { idOf } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';
import { PersonNames } from '../auth/person-names';
import { Ctx, Endpoint, Query } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { wholeNumber } from '../http/whole-number';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { OwnWork } from '../log-client/own-work';
import { cursor, limit, minPosition, page } from '../search/queries';

const as = z.enum(['principal', 'approver']);
const mineQuery = z.strictObject({
  /** `principal`: what runs in the caller's name; `approver`: what they approved */
  as: as.default('principal'),
  status: z.string().min(1).max(LIMITS.nameLength).optional(),
  cursor,
  limit: wholeNumber(1, LIMITS.mineMax).optional(),
  minPosition,
});
const mineActionsQuery = z.strictObject({ runId: idOf('run').optional(), cursor, limit, minPosition });

const mineAnswer = z.object({
  person: z.string(),
  ref: z.string(),
  roles: z.array(z.string()),
  groups: z.array(z.string()),
  items: z.array(z.object({ run: runView, grant: grantView.nullable() })),
  next: z.string().nullable(),
  asOf: z.unknown(),
  ...shownNames,
});

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
  readonly asOf: unknown;
}

/** What runs in the name of a person, or by their approval: it needs no role. */
@Controller()
export class MineController {
  constructor(
    private readonly logClient: LogClient,
    private readonly ownWork: OwnWork,
    private readonly names: PersonNames,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/mine',
    summary: "The runs in the caller's name, or by their approval, with what they hold and have spent",
    roles: [],
    people: true,
    answer: mineAnswer,
  })
  async list(
    @Ctx() { caller }: RequestContext,
    @Query(mineQuery) { as: role, ...query }: z.infer<typeof mineQuery>,
  ): Promise<unknown> {
    const { tenant, actor } = caller;
    const who = role === 'principal' ? { principalRef: actor.id } : { approvedBy: actor.id };
    const search = { limit: LIMITS.mineMax, ...query, ...who, tenant };
    const found = await this.logClient.ledger<Page<RunView>>('runs', search);
    const items = await Promise.all(
      found.items.map(async (run) => ({
        run,
        grant:
          run.grantId === undefined
            ? null
            : await this.logClient.look<GrantView>('grant', logOf(caller, run.grantId), run.grantId),
      })),
    );
    const person = caller.kind === 'key' ? caller : undefined;
    return this.names.shown(caller, {
      person: person?.person ?? actor.id,
      ref: actor.id,
      roles: person?.roles ?? [],
      groups: actor.groups ?? [],
      items,
      next: found.next,
      asOf: found.asOf,
    });
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/mine/actions',
    summary: "What the runs in the caller's name have done; of a run that they approved, by its id",
    roles: [],
    people: true,
    answer: page,
  })
  async actions(
    @Ctx() { caller }: RequestContext,
    @Query(mineActionsQuery) query: z.infer<typeof mineActionsQuery>,
  ): Promise<unknown> {
    const { tenant, actor } = caller;
    if (query.runId === undefined)
      return this.logClient.ledger('actions', { ...query, principalRef: actor.id, tenant });
    await this.ownWork.runUnlessRole(caller, [], query.runId);
    return this.logClient.ledger('actions', { ...query, tenant });
  }
}
