import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { policySignals, type PolicySignals } from '@bailiwick/contracts/policy/policy-signals';
import { logNameSchema, time } from '@bailiwick/contracts/primitives';
import { parseLogName } from '@bailiwick/core/ids';
import { Ctx, Endpoint, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { answerOf, WhatIf } from '../replays/what-if';

const signalsQuery = z.strictObject({
  /** left out: the last seven days */
  since: time.optional(),
  log: logNameSchema.optional(),
});
type SignalsQuery = z.infer<typeof signalsQuery>;

type Started = Pick<PolicySignals, 'log' | 'since' | 'from' | 'to' | 'truncated'> & { readonly id: string };
type Counted = Omit<PolicySignals, keyof Started>;

/** What the answers of people and the reasons of denials indicate about a policy. */
@Controller()
export class PolicySignalsController {
  constructor(private readonly logClient: LogClient) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/policies/signals',
    summary: 'Approvals, refusals, times to an answer and denials by verb and class, with what they suggest',
    roles: ['admin', 'analyst', 'approver'],
    answer: policySignals,
  })
  async signals(@Ctx() context: RequestContext, @Query(signalsQuery) { since, log }: SignalsQuery): Promise<unknown> {
    const { tenant } = context.caller;
    if (log !== undefined && parseLogName(log).tenant !== tenant)
      throw new Refused('NOT_FOUND', `Log ${log} not found.`);
    const { id, ...range } = await this.logClient.ledger<Started>('signals-start', { tenant, since, log });
    const counted = await answerOf(WhatIf.of<Counted>(this.logClient, context, id).updates());
    return { ...range, ...counted } satisfies PolicySignals;
  }
}
