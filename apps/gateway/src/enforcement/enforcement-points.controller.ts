import { Controller } from '@nestjs/common';
import { pointsAnswer } from '@bailiwick/contracts/enforcement/points';
import { idOf, logNameSchema } from '@bailiwick/contracts/primitives';
import { logName, parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { z } from 'zod';
import { ApiKeys } from '../auth/api-keys';
import { Ctx, Endpoint, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { wholeNumber } from '../http/whole-number';
import { EnforcementPoints } from './enforcement-points';

/** How long a request without `waitMs` waits for points that are behind, ms. */
const WAIT_MS = 500;

const pointsQuery = z.strictObject({
  log: logNameSchema.optional(),
  position: wholeNumber(0).optional(),
  revocation: idOf('revocation').optional(),
  waitMs: wholeNumber(0, LIMITS.effectWaitMs).optional(),
});

/** Shows what enforces a log, and how far. */
@Controller()
export class EnforcementPointsController {
  constructor(
    private readonly points: EnforcementPoints,
    private readonly keys: ApiKeys,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/enforcement-points',
    summary:
      'What enforces a log: every point with the epoch that it enforces; with a position, how long each took to enforce it',
    roles: ['responder', 'analyst', 'admin'],
    answer: pointsAnswer,
  })
  async list(
    @Ctx() { caller: { tenant } }: RequestContext,
    @Query(pointsQuery) query: z.infer<typeof pointsQuery>,
  ): Promise<unknown> {
    const { log = logName(tenant, 0), position, revocation: revocationId, waitMs = WAIT_MS } = query;
    // another tenant's log is answered as one that does not exist (I9)
    if (parseLogName(log).tenant !== tenant) throw new Refused('NOT_FOUND', `Log ${log} not found.`);
    const answer = await this.points.ask({ log, position, revocationId, waitMs });
    // other tenants need not know the machines of the installation
    return this.keys.isOwn(tenant)
      ? answer
      : { ...answer, items: answer.items.map(({ process: _, ...point }) => point) };
  }
}
