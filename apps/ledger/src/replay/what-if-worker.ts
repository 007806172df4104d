import { parentPort, workerData } from 'node:worker_threads';
import { CorruptLog } from '@bailiwick/authority/events/follows';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { WithRules, type RuleEvent } from '@bailiwick/authority/revocation/rule-events';
import { readBody } from '@bailiwick/authority/state/set-aside';
import type { DeployedVersion } from '@bailiwick/authority/state/policies';
import { emptyState } from '@bailiwick/authority/state/state';
import { WhatIf } from '@bailiwick/authority/what-if/what-if';
import type { Event } from '@bailiwick/contracts/events/event';
import type { ReplayAnswer, ReplayProgress, ReplayRequest } from '@bailiwick/contracts/replay/replay';
import { Bodies } from '@bailiwick/event-store/postgres/bodies';
import { parseLogName } from '@bailiwick/core/ids';
import { lowerThisThread } from '@bailiwick/platform/priority';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeUnder } from '@bailiwick/trajectory/sequence-rules';

export interface WhatIfJob {
  readonly log: string;
  readonly databaseUrl: string;
  readonly request: ReplayRequest;
  /** the last position to read */
  readonly to: number;
  /** the revocation rules of the log, if only one tree is read */
  readonly rules: readonly RuleEvent[];
  /** the deployments of policies in the log, oldest first, if only one tree is read: their rules judge the tree */
  readonly policies: readonly Pick<DeployedVersion, 'version' | 'position' | 'parts'>[];
}
export type WhatIfMessage =
  | ({ readonly kind: 'progress' } & ReplayProgress)
  | { readonly kind: 'answer'; readonly answer: ReplayAnswer }
  | { readonly kind: 'corrupt'; readonly detail: string };

const report = (message: WhatIfMessage): void => parentPort?.postMessage(message);
const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Replays the events on a thread of the lowest priority. On systems without thread priorities it pauses for as long as it
 * works, so that it uses at most half a core.
 */
async function main({ log, databaseUrl, request, to, rules, policies }: WhatIfJob): Promise<void> {
  const lowered = lowerThisThread();
  const bodies = new Bodies(databaseUrl);
  try {
    const { tenant, n } = parseLogName(log);
    const judge = judgeUnder(request.change.policy);
    const rulesNow = { judge, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
    const state = emptyState(log, tenant, n);
    state.policies.startAfter((policies[0]?.version ?? 1) - 1, DEFAULT_CATALOG);
    const whatIf = new WhatIf(state, request, rulesNow);
    const among = new WithRules(await withPolicies(bodies, log, rules, policies));
    for await (const page of bodies.pages({ log, treeId: request.treeId, to })) {
      const started = performance.now();
      let done = 0;
      for (const body of page) {
        const read = readBody(body);
        if (!read.ok) {
          whatIf.passOver(body);
          continue;
        }
        const event = read.value;
        for (const rule of among.before(event.position)) whatIf.take(rule);
        whatIf.take(event);
        done = event.position + 1;
      }
      if (done > 0) report({ kind: 'progress', done, total: to + 1 });
      if (!lowered) await rest(performance.now() - started);
    }
    report({ kind: 'answer', answer: { ...whatIf.end(), to } });
  } catch (error) {
    if (!(error instanceof CorruptLog)) throw error;
    report({ kind: 'corrupt', detail: error.message });
  } finally {
    await bodies.close();
  }
}

/** Returns the rules and the events of the deployments, by position. */
async function withPolicies(
  bodies: Bodies,
  log: string,
  rules: readonly RuleEvent[],
  policies: WhatIfJob['policies'],
): Promise<Event[]> {
  const events: Event[] = [...rules];
  for (const { position, parts } of policies)
    for (const body of await bodies.span(log, position - parts, position)) {
      const read = readBody(body);
      if (read.ok) events.push(read.value);
    }
  return events.sort((a, b) => a.position - b.position);
}

// a rejection becomes the 'error' event of the thread
void main(workerData as WhatIfJob);
