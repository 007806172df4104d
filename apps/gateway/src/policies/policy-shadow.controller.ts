import { Controller } from '@nestjs/common';
import { policyShadowAnswer, type PolicyShadowAnswer } from '@bailiwick/contracts/policy/policy-diff';
import type { ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import { Ctx, Endpoint } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { answerOf, WhatIf } from '../replays/what-if';

type Started = Omit<PolicyShadowAnswer, 'history'> & { readonly id: string };

/** The candidate that is compared with the policy in force. */
@Controller()
export class PolicyShadowController {
  constructor(private readonly logClient: LogClient) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/policies/shadow',
    summary: 'What the newest candidate in shadow would have decided since it started, where it differs',
    roles: ['admin', 'analyst'],
    answer: policyShadowAnswer,
  })
  async shadow(@Ctx() context: RequestContext): Promise<unknown> {
    const { tenant } = context.caller;
    const { id, ...shadow } = await this.logClient.ledger<Started>('shadow-start', { tenant });
    const tried = await answerOf(WhatIf.of<ReplayAnswer>(this.logClient, context, id).updates());
    const { log, from, to, decided, differ, groups, assumes } = tried;
    return {
      ...shadow,
      history: { log, from, to, decided, differ, groups, assumes },
    } satisfies PolicyShadowAnswer;
  }
}
