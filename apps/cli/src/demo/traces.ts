import type { BailiwickClient, Granted } from '@bailiwick/client/client';
import { sha256hex } from '@bailiwick/core/digest';
import { waitFor } from '@bailiwick/platform/local-servers/child';
import { Progress, table } from '../render';
import { readTraces, type RecordedRun } from './read-traces';
import { describeCall } from './trace-tools';

/** The decisions about the runs of one class. */
export interface ClassTally {
  runs: number;
  actions: number;
  permitted: number;
  denied: number;
  steppedUp: number;
  /** runs whose drift reached the step-up threshold */
  flagged: number;
}

const AT_ONCE = 24;
const WATCH_MS = 120_000;
const STEP_UP_AT = 0.6;

/** Plays recorded runs as runs with leases and actions, and counts the decisions by class. */
export async function playTraces(
  file: string,
  orchestrator: BailiwickClient,
  enforcer: BailiwickClient,
  limit?: number,
): Promise<Map<string, ClassTally>> {
  const runs = await readTraces(file, limit);
  const tallies = new Map<string, ClassTally>();
  const progress = new Progress(runs.length, 'runs');
  const opened: { runId: string; tally: ClassTally }[] = [];
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let run = runs[next++]; run; run = runs[next++]) {
      const tally = tallies.get(run.class) ?? {
        runs: 0,
        actions: 0,
        permitted: 0,
        denied: 0,
        steppedUp: 0,
        flagged: 0,
      };
      tallies.set(run.class, tally);
      opened.push({ runId: await playRun(run, tally, orchestrator, enforcer), tally });
      progress.show(++done);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await monitored(orchestrator);
  await countFlagged(opened, orchestrator);
  return tallies;
}

async function playRun(
  run: RecordedRun,
  tally: ClassTally,
  orchestrator: BailiwickClient,
  enforcer: BailiwickClient,
): Promise<string> {
  const granted = (await orchestrator.openRun({
    agent: { class: `${run.suite}-assistant`, instance: run.id, posture: { model: run.model.slice(0, 100) } },
    requestedBy: 'user:trace@example.com',
    purpose: run.goal,
    grant: {
      actions: { allow: ['*'], deny: ['account.password.*'] },
      resources: [{ type: '*', match: '**' }],
      budget: { calls: 60, reads: 60, writes: 20, external: 20 },
      risk: { ceiling: 'high', approvalFrom: 'irreversible' },
      purpose: { onDrift: { stepUpAt: STEP_UP_AT, suspendAt: 0.9 } },
    },
  })) as Granted;
  tally.runs += 1;
  for (const call of run.calls) {
    tally.actions += 1;
    const answer = await enforcer.act({ grantId: granted.grant.id, ...describeCall(call) });
    if (answer.decision === 'deny') tally.denied += 1;
    else if (answer.decision === 'step-up') tally.steppedUp += 1;
    else {
      tally.permitted += 1;
      const result = call.error ?? call.result ?? '';
      await enforcer.settle(answer.actionId, {
        status: call.error === undefined ? 'completed' : 'failed',
        resultDigest: `sha256:${sha256hex(result)}`,
        preview: result.slice(0, 1_900),
      });
    }
  }
  await finish(orchestrator, granted.run.id);
  return granted.run.id;
}

/** Completes a run, unless it has already ended. */
async function finish(orchestrator: BailiwickClient, runId: string): Promise<void> {
  try {
    await orchestrator.complete(runId);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ALREADY_ENDED') throw error;
  }
}

/** Waits until the monitor, which follows the decisions, has read them all. */
async function monitored(client: BailiwickClient): Promise<void> {
  await waitFor(
    'the intent monitor to read every call',
    WATCH_MS,
    async () => (await client.get<{ behind: { intent?: number } }>('/readyz')).behind.intent === 0,
  );
}

async function countFlagged(
  opened: readonly { runId: string; tally: ClassTally }[],
  client: BailiwickClient,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let each = opened[next++]; each; each = opened[next++]) {
      if (((await client.run(each.runId)).drift ?? 0) >= STEP_UP_AT) each.tally.flagged += 1;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

export function tallyTable(tallies: ReadonlyMap<string, ClassTally>): string {
  const rows = [...tallies]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, t]) => [name, ...[t.runs, t.actions, t.permitted, t.denied, t.steppedUp, t.flagged].map(String)]);
  return table(['class', 'runs', 'actions', 'permitted', 'denied', 'stepped up', 'runs flagged'], rows);
}
