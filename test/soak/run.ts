import { setTimeout as delay } from 'node:timers/promises';
import { LIMITS } from '@bailiwick/core/limits';
import { RawHttpClient } from '../support/raw-http-client';
import { Random } from '../support/random';
import { http, until, type Stack } from '../support/stack';
import { collect } from './collect';
import { Load } from './load';
import { memoryOf } from './memory';
import { floorsOf, isAbove, quantile, slopeOf, type Point, type Slope } from './slope';

export interface SoakOptions {
  readonly minutes: number;
  /** the load as a share of the peak */
  readonly share: number;
  /** KB per minute; a part whose growth exceeds it with confidence is a finding */
  readonly bound: number;
  readonly log: (line: string) => void;
}

export interface Sample {
  /** minutes since the load started */
  readonly at: number;
  /** KB of memory of each part */
  readonly memory: { readonly [part: string]: number };
  /** KB that a service keeps after a garbage collection */
  readonly kept?: { readonly [part: string]: number };
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  /** events that each follower has not processed yet */
  readonly behind: { readonly [part: string]: number };
}

export interface Growth extends Slope {
  /** KB in the first sample after the warm-up and in the last one */
  readonly first: number;
  readonly last: number;
  /** highest KB in any sample, including garbage */
  readonly held: number;
}

export interface SoakReport {
  readonly peak: number;
  readonly rate: number;
  readonly samples: readonly Sample[];
  /** KB per minute, after the warm-up */
  readonly memory: ReadonlyMap<string, Growth>;
  /** ms per minute, and the median of all windows */
  readonly p99: Slope & { median: number };
  readonly p50: number;
  /** the largest lag of a follower, and ms until all had caught up at the end; undefined if they did not */
  readonly lag: { most: number; drainedMs: number | undefined };
  readonly findings: readonly string[];
}

const WORKERS = 64;
const RUNS = 64;
const PEAK_S = 10;
const SAMPLE_MS = 5_000;
const DRAIN_MS = 60_000;
/** minutes before samples count: ended trees accumulate up to an eighth of all, buffers fill, code is compiled */
const WARM_UP = (LIMITS.endedKeptMs / 60_000) * (9 / 8) + 1;
/** a shorter run has too few samples for a slope */
export const LEAST_MINUTES = 20;
const STRETCHES = 24;
/** tolerated rise of p99 over the whole run, as a share of its median */
const P99_RISE = 0.25;

/** Measures the peak, runs a share of it as a steady load, and reports growth. */
export async function soak(stack: Stack, options: SoakOptions): Promise<SoakReport> {
  const { minutes, share, bound, log } = options;
  const client = new RawHttpClient(stack.url, 512);
  const load = new Load(client, stack.keys, RUNS);
  try {
    await load.peak(WORKERS, PEAK_S); // warm-up
    const peak = await load.peak(WORKERS, PEAK_S);
    await drained(stack);
    const rate = peak * share;
    log(
      `peak ${peak.toFixed(0)} decisions/s, each with its outcome; now ${rate.toFixed(0)} decisions/s for ${minutes} minutes`,
    );
    const watch = new Watch(stack, load, (minutes * 60_000) / STRETCHES, log);
    await Promise.race([load.steady(rate, minutes, new Random(1)), watch.failed]);
    const samples = await watch.end();
    const drainedMs = await drained(stack);
    return evaluate({ peak, rate, samples, drainedMs, bound, minutes, failures: load.failures });
  } finally {
    client.close();
  }
}

interface Measurements {
  readonly peak: number;
  readonly rate: number;
  readonly samples: readonly Sample[];
  readonly drainedMs: number | undefined;
  readonly bound: number;
  readonly minutes: number;
  readonly failures: ReadonlyMap<string, number>;
}

/** Derives the report from the samples, without I/O. */
export function evaluate({ peak, rate, samples, drainedMs, bound, minutes, failures }: Measurements): SoakReport {
  const warm = samples.filter(({ at }) => at >= WARM_UP);
  const findings = [...failures].map(([what, times]) => `${times} × ${what}`);
  const line = (pick: (sample: Sample) => number): Point[] => warm.map((each) => ({ x: each.at, y: pick(each) }));
  const memory = new Map(
    Object.keys(samples[0]?.memory ?? {}).map((part) => {
      const kept = warm.flatMap(({ at, kept: left }) => (left?.[part] === undefined ? [] : [{ x: at, y: left[part] }]));
      const points =
        kept.length > 0
          ? kept
          : floorsOf(
              line((sample) => sample.memory[part] ?? 0),
              STRETCHES,
            );
      const slope = slopeOf(points);
      if (isAbove(slope, bound))
        findings.push(`${part} grows by ${formatSlope(slope)} KB per minute; the limit is ${bound}`);
      const [first, last] = [points[0]?.y ?? 0, points[points.length - 1]?.y ?? 0];
      const held = Math.max(...warm.map((sample) => sample.memory[part] ?? 0));
      return [part, { ...slope, first, last, held }];
    }),
  );
  const p99 = slopeOf(line((sample) => sample.p99));
  const median = quantile(
    warm.map((sample) => sample.p99),
    0.5,
  );
  if (isAbove(p99, (P99_RISE * median) / minutes)) findings.push(`p99 rises by ${formatSlope(p99)} ms per minute`);
  if (drainedMs === undefined)
    findings.push(`followers have not caught up ${DRAIN_MS / 1_000} s after the end of the load`);
  const most = Math.max(0, ...samples.flatMap(({ behind }) => Object.values(behind)));
  const p50 = quantile(
    warm.map((sample) => sample.p50),
    0.5,
  );
  return { peak, rate, samples, memory, p99: { ...p99, median }, p50, lag: { most, drainedMs }, findings };
}

export const formatSlope = ({ slope, error }: Slope): string => `${slope.toFixed(2)} ± ${error.toFixed(2)}`;

/** Takes a sample every few seconds until `end` is called. */
class Watch {
  private readonly samples: Sample[] = [];
  private readonly stopping = new AbortController();
  private readonly watching: Promise<void>;
  /** never resolves; rejects if a sample cannot be taken */
  readonly failed: Promise<never>;

  constructor(
    private readonly stack: Stack,
    private readonly load: Load,
    /** ms between two garbage collections of each service */
    private readonly collectMs: number,
    private readonly log: (line: string) => void,
  ) {
    this.watching = this.watch();
    this.failed = this.watching.then(() => new Promise<never>(() => undefined));
  }

  async end(): Promise<readonly Sample[]> {
    this.stopping.abort();
    await this.watching;
    return this.samples;
  }

  private async watch(): Promise<void> {
    const start = performance.now();
    let [from, before] = [start, this.load.decisions];
    this.load.latencies = [];
    const { services } = this.stack.status();
    for (let [turn, collected] = [0, start]; ;) {
      await delay(SAMPLE_MS, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return;
      const { latencies, decisions: done } = this.load;
      const now = performance.now();
      const sample = {
        at: (now - start) / 60_000,
        memory: memoryOf(this.stack),
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
        perSecond: ((done - before) / (now - from)) * 1_000,
        behind: await behind(this.stack),
      };
      const due = now - collected >= this.collectMs / services.length;
      if (due) collected = now;
      this.samples.push(due ? { ...sample, kept: await this.kept(services[turn++ % services.length]!) } : sample);
      this.load.latencies = [];
      [from, before] = [performance.now(), this.load.decisions];
      if (this.samples.length % 12 === 0) this.log(formatSample(sample));
    }
  }

  /** Measures one service at a time: a forced collection also drops compiled code, which slows it down for seconds. */
  private async kept({ name, pid }: { name: string; pid: number }): Promise<{ [part: string]: number }> {
    const kept: { [part: string]: number } = {};
    await this.load.hold(async () => {
      kept[name] = await collect(pid);
    });
    return kept;
  }
}

function formatSample({ at, memory, p50, p99, perSecond, behind: late }: Sample): string {
  const parts = Object.entries(memory).map(([part, kb]) => `${part} ${(kb / 1_024).toFixed(0)}`);
  const lag = Object.entries(late).map(([part, events]) => `${part} ${events}`);
  return `${at.toFixed(1)} min: ${perSecond.toFixed(0)}/s, p50 ${p50.toFixed(1)} p99 ${p99.toFixed(1)} ms; MB: ${parts.join(', ')}; behind: ${lag.join(', ')}`;
}

async function behind(stack: Stack): Promise<{ [part: string]: number }> {
  const { status, body } = await http(stack, 'GET', '/readyz');
  return status === 200 ? (body.behind as { [part: string]: number }) : {};
}

/** Returns the ms until every follower has processed all events; undefined if that takes too long. */
async function drained(stack: Stack): Promise<number | undefined> {
  const from = performance.now();
  const all = async (): Promise<boolean> => {
    const late = Object.values(await behind(stack));
    return late.length > 0 && late.every((events) => events === 0);
  };
  return until('the followers', all, DRAIN_MS).then(
    () => performance.now() - from,
    () => undefined,
  );
}
