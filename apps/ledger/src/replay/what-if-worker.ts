import { parentPort, workerData } from 'node:worker_threads';
import { CorruptLog } from '@bailiwick/authority/events/follows';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { WithRules, type RuleEvent } from '@bailiwick/authority/revocation/rule-events';
import { readBody } from '@bailiwick/authority/state/set-aside';
import { emptyState } from '@bailiwick/authority/state/state';
import { WhatIf } from '@bailiwick/authority/what-if/what-if';
import type { ReplayAnswer, ReplayProgress, ReplayRequest } from '@bailiwick/contracts/replay';
import { Bodies } from '@bailiwick/event-store/postgres/bodies';
import { parseLogName } from '@bailiwick/core/ids';
import { lowerThisThread } from '@bailiwick/platform/priority';
import { judgeUnder } from '@bailiwick/trajectory/rules';

export interface WhatIfJob {
  readonly log: string;
  readonly databaseUrl: string;
  readonly request: ReplayRequest;
  /** the last position that is looked at */
  readonly to: number;
  /** the log's rules, where one tree alone is read */
  readonly rules: readonly RuleEvent[];
}
export type WhatIfTold =
  | ({ readonly kind: 'progress' } & ReplayProgress)
  | { readonly kind: 'answer'; readonly answer: ReplayAnswer }
  | { readonly kind: 'corrupt'; readonly detail: string };

const tell = (told: WhatIfTold): void => parentPort?.postMessage(told);
const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Goes through the past on a thread of its own that lets all others go first. Where threads have no priorities it
 * rests for as long as it works, so that it takes half a core at most.
 */
async function main({ log, databaseUrl, request, to, rules }: WhatIfJob): Promise<void> {
  const lowered = lowerThisThread();
  const bodies = new Bodies(databaseUrl);
  try {
    const { tenant, n } = parseLogName(log);
    const judge = judgeUnder(request.change.policy);
    const whatIf = new WhatIf(emptyState(log, tenant, n), request, { judge, defaults: tenantDefaults });
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
      if (done > 0) tell({ kind: 'progress', done, total: to + 1 });
      if (!lowered) await rest(performance.now() - started);
    }
    tell({ kind: 'answer', answer: { ...whatIf.end(), to } });
  } catch (error) {
    if (!(error instanceof CorruptLog)) throw error;
    tell({ kind: 'corrupt', detail: error.message });
  } finally {
    await bodies.close();
  }
}

// what it throws is the thread's error, and told as such
void main(workerData as WhatIfJob);
