import { BailiwickClient } from '@bailiwick/client/client';
import type { ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import type { BenchOptions } from './bench';
import { actionRequests } from './decisions';
import { filledTenant } from './data/large';
import { Decider, fillDecisions } from './data/recorded';
import { benchRebuild } from './rebuild';
import { byTurns, quantile } from './report/rounds';
import { openLeases } from './system';

const ROUND_MS = 3_000;
const CONNECTIONS = 4;
/** changes every lease and no decision */
const CHANGE = { drift: { stepUpAt: 0.5 }, policy: { approvalFrom: 'high' as const } };

/**
 * Compares a what-if over recorded decisions with the live decider, and the latency of live decisions during a what-if
 * with their latency alone. Then measures a rebuild of the read models of the same log.
 */
export async function benchReplay({ system, driver, report, rounds, size }: BenchOptions): Promise<void> {
  const { keys, log } = await filledTenant(system, 'replayed', report, (eventlog, name) =>
    fillDecisions(eventlog, name, size),
  );
  const analyst = new BailiwickClient({ url: system.credentials.url, key: keys.analyst as string });
  const replay = (signal?: AbortSignal): Promise<ReplayAnswer> =>
    analyst.replay({ log, change: CHANGE }, undefined, signal);
  const seconds: number[] = [];
  const figures = await byTurns(
    {
      ours: async () => {
        const started = performance.now();
        const { decided, differ } = await replay();
        if (decided < size || differ > 0) throw new Error(`${decided} decisions recomputed, ${differ} differ`);
        seconds.push((performance.now() - started) / 1_000);
        return decided / (seconds.at(-1) as number);
      },
      theirs: () => Promise.resolve(decidedPerSecond()),
    },
    rounds,
  );
  report.against('whatif', 'decisions/s', 'live-decider', figures.ours, figures.theirs);
  report.alone(
    'whatif.whole',
    's',
    quantile(
      seconds.sort((a, b) => a - b),
      0.5,
    ),
    `${size} recorded decisions, requested over HTTP`,
  );

  const requests = actionRequests(await openLeases(system, 4, 16));
  const job = {
    kind: 'http',
    host: '127.0.0.1',
    port: system.port,
    requests,
    connections: CONNECTIONS,
    ms: ROUND_MS,
  } as const;
  const p99 = async (): Promise<number> => quantile((await driver.drive(job)).latencies, 0.99);
  const live = await byTurns(
    {
      during: async () => {
        const stop = new AbortController();
        const past = repeat(() => replay(stop.signal), stop.signal);
        const measured = await p99().finally(() => stop.abort());
        await past;
        return measured;
      },
      alone: p99,
    },
    rounds,
  );
  report.against('whatif.live_p99', 'ms', 'alone', live.during, live.alone);
  await benchRebuild({ system, driver, report, rounds, size }, { log, keys });
}

/** Calls `once` repeatedly until the signal aborts. */
async function repeat(once: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted)
    await once().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
}

/** Measures how many actions the rules decide and fold on one core, without log or network. */
function decidedPerSecond(): number {
  const decider = new Decider('bench/0');
  const started = performance.now();
  let done = 0;
  for (; performance.now() - started < ROUND_MS; done++) decider.act();
  return (done / (performance.now() - started)) * 1_000;
}
