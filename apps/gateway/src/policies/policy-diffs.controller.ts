import { Controller } from '@nestjs/common';
import {
  policyDiffAnswer,
  policyDiffBody,
  type PolicyDiffAnswer,
  type PolicyDiffBody,
  type PolicyReach,
} from '@bailiwick/contracts/policy/policy-diff';
import type { ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { NDJSON, streamNdjson } from '../http/responses/ndjson';
import { Streamed } from '../http/responses/http-response';
import { LogClient } from '../log-client/log-client';
import { after, answerOf, WhatIf, type Update } from '../replays/what-if';
import { PolicyChecks } from './policy-checks';
import { PolicyVersions } from './policy-versions';

type Tried = ReplayAnswer & { readonly reach: PolicyReach };

/** Compares a bundle with a deployed policy, and with what was decided. */
@Controller()
export class PolicyDiffsController {
  constructor(
    private readonly logClient: LogClient,
    private readonly checks: PolicyChecks,
    private readonly versions: PolicyVersions,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/policies/diff',
    summary:
      'What a policy bundle changes: the meaning of verbs, what live leases would lose, and which of the last decisions would differ',
    roles: ['admin', 'analyst'],
    takesBytes: LIMITS.policy.httpBodyBytes,
    streams: true,
    answer: policyDiffAnswer,
  })
  async diff(@Ctx() context: RequestContext, @Body(policyDiffBody) body: PolicyDiffBody): Promise<unknown> {
    const { bundle, against, last = LIMITS.policy.diffDecisions, log } = body;
    const { caller, request } = context;
    if (log !== undefined && parseLogName(log).tenant !== caller.tenant)
      throw new Refused('NOT_FOUND', `Log ${log} not found.`);
    const compared = await this.versions.find(caller.tenant, against);
    const { canonical, digest, changes } = await this.checks.compare(caller.tenant, bundle, compared.bundle);
    const head = { before: { version: compared.version, digest: compared.digest }, after: { digest }, changes };
    const wanted = { log, last, change: {}, limit: 1 };
    const job = await WhatIf.start<Tried>(this.logClient, context, wanted, { candidate: canonical, reach: true });
    const updates = withHead(head, job.updates());
    const all = after(await updates.next(), updates); // an immediate refusal keeps its status
    if (!(request.headers.accept ?? '').includes(NDJSON)) return answerOf(all);
    return new Streamed((reply) =>
      streamNdjson(reply, 'the comparison could not be computed', async (line) => {
        for await (const update of all) line(update);
      }),
    );
  }
}

/** Makes the answer of a what-if that of a comparison. */
async function* withHead(
  head: Pick<PolicyDiffAnswer, 'before' | 'after' | 'changes'>,
  updates: AsyncGenerator<Update<Tried>, void>,
): AsyncGenerator<Update<PolicyDiffAnswer>, void> {
  for await (const update of updates) {
    if (!('answer' in update)) {
      yield update;
      continue;
    }
    const { log, from, to, decided, differ, groups, assumes, reach } = update.answer;
    yield { answer: { ...head, reach, history: { log, from, to, decided, differ, groups, assumes } } };
  }
}
