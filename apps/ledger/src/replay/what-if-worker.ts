import { parentPort, workerData } from 'node:worker_threads';
import { CorruptLog } from '@bailiwick/authority/events/follows';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { WithRules, type RuleEvent } from '@bailiwick/authority/revocation/rule-events';
import { readBody } from '@bailiwick/authority/state/set-aside';
import { emptyState } from '@bailiwick/authority/state/state';
import { WhatIf } from '@bailiwick/authority/what-if/what-if';
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
async function main({ log, databaseUrl, request, to, rules }: WhatIfJob): Promise<void> {
  const lowered = lowerThisThread();
  const bodies = new Bodies(databaseUrl);
  try {
    const { tenant, n } = parseLogName(log);
    const judge = judgeUnder(request.change.policy);
    const rulesNow = { judge, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
    const whatIf = new WhatIf(emptyState(log, tenant, n), request, rulesNow);
    const among = new WithRules(rules);
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

// a rejection becomes the 'error' event of the thread
void main(workerData as WhatIfJob);
