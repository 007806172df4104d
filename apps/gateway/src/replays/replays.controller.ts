import { Controller } from '@nestjs/common';
import { replayAnswer, replayRequest, type ReplayRequest } from '@bailiwick/contracts/replay/replay';
import { canonicalize } from '@bailiwick/core/canonical';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Streamed } from '../http/responses/http-response';
import { NDJSON, streamNdjson } from '../http/responses/ndjson';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { PolicyChecks } from '../policies/policy-checks';
import { PolicyVersions } from '../policies/policy-versions';
import { after, answerOf, WhatIf } from './what-if';

/** Recomputes recorded decisions under a change. */
@Controller()
export class ReplaysController {
  constructor(
    private readonly logClient: LogClient,
    private readonly checks: PolicyChecks,
    private readonly versions: PolicyVersions,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/replays',
    summary:
      'What if: every recorded action decided again under other limits, policy or drift settings, and what follows from it',
    roles: ['analyst'],
    takesBytes: LIMITS.policy.httpBodyBytes,
    streams: true,
    answer: replayAnswer,
  })
  async replay(@Ctx() context: RequestContext, @Body(replayRequest) body: ReplayRequest): Promise<unknown> {
    const { caller, request } = context;
    if (body.treeId !== undefined) logOf(caller, body.treeId);
    if (body.log !== undefined && parseLogName(body.log).tenant !== caller.tenant)
      throw new Refused('NOT_FOUND', `Log ${body.log} not found.`);
    const tried = await this.candidate(context, body);
    const updates = (await WhatIf.start(this.logClient, context, withoutBundle(body), tried)).updates();
    const all = after(await updates.next(), updates); // an immediate refusal keeps its status
    if (!(request.headers.accept ?? '').includes(NDJSON)) return answerOf(all);
    return new Streamed((reply) =>
      streamNdjson(reply, 'the what-if could not be computed', async (line) => {
        for await (const update of all) line(update);
      }),
    );
  }

  /** Returns the canonical JSON of the policy that the change names. */
  private async candidate({ caller }: RequestContext, { change }: ReplayRequest): Promise<{ candidate?: string }> {
    const { bundle, version } = change.policy ?? {};
    if (bundle) return { candidate: (await this.checks.check(caller.tenant, bundle)).canonical };
    if (version === undefined) return {};
    return { candidate: canonicalize((await this.versions.find(caller.tenant, version)).bundle) };
  }
}

/** The ledger receives a bundle as a candidate, and not in the change. */
function withoutBundle({ change, ...request }: ReplayRequest): ReplayRequest {
  const { policy, ...others } = change;
  if (!policy?.bundle) return { ...request, change };
  const { bundle: _, ...rest } = policy;
  return { ...request, change: { ...others, ...(Object.keys(rest).length > 0 ? { policy: rest } : {}) } };
}
