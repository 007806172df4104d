import { Controller } from '@nestjs/common';
import {
  rehearsalBody,
  responderRehearsal,
  type RehearsalBody,
  type ResponderRehearsal,
} from '@bailiwick/contracts/policy/responder-rehearsal';
import { parseLogName } from '@bailiwick/core/ids';
import { canonicalize } from '@bailiwick/core/canonical';
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

type Head = Pick<ResponderRehearsal, 'log' | 'since' | 'from' | 'to'>;
type Rehearsed = Omit<ResponderRehearsal, keyof Head | 'version'>;

/** What responders would have done over the recorded log. */
@Controller()
export class PolicyRespondersController {
  constructor(
    private readonly logClient: LogClient,
    private readonly checks: PolicyChecks,
    private readonly versions: PolicyVersions,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/policies/responders',
    summary:
      'What the responders of a policy would have done over the recorded log: firings, and runs that completed and would have been held',
    roles: ['admin', 'analyst', 'responder'],
    takesBytes: LIMITS.policy.httpBodyBytes,
    streams: true,
    answer: responderRehearsal,
  })
  async rehearse(@Ctx() context: RequestContext, @Body(rehearsalBody) body: RehearsalBody): Promise<unknown> {
    const { bundle, since, log } = body;
    const { caller, request } = context;
    if (log !== undefined && parseLogName(log).tenant !== caller.tenant)
      throw new Refused('NOT_FOUND', `Log ${log} not found.`);
    const tried = bundle ? await this.checks.check(caller.tenant, bundle) : await this.inForce(caller.tenant);
    const { canonical, version } = { version: undefined, ...tried };
    const query = { tenant: caller.tenant, since, log, candidate: canonical };
    const { id, ...head } = await this.logClient.ledger<Head & { id: string }>('responders-start', query);
    const of = { ...head, ...(version === undefined ? {} : { version }) };
    const updates = withHead(of, WhatIf.of<Rehearsed>(this.logClient, context, id).updates());
    const all = after(await updates.next(), updates); // an immediate refusal keeps its status
    if (!(request.headers.accept ?? '').includes(NDJSON)) return answerOf(all);
    return new Streamed((reply) =>
      streamNdjson(reply, 'the rehearsal could not be computed', async (line) => {
        for await (const update of all) line(update);
      }),
    );
  }

  private async inForce(tenant: string): Promise<{ canonical: string; version: number }> {
    const { bundle, version } = await this.versions.find(tenant, undefined);
    return { canonical: canonicalize(bundle), version };
  }
}

async function* withHead(
  head: Head & Pick<ResponderRehearsal, 'version'>,
  updates: AsyncGenerator<Update<Rehearsed>, void>,
): AsyncGenerator<Update<ResponderRehearsal>, void> {
  for await (const update of updates) yield 'answer' in update ? { answer: { ...head, ...update.answer } } : update;
}
