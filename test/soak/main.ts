import { parseArgs } from 'node:util';
import { Stack } from '../support/stack';
import { LEAST_MINUTES, soak, formatSlope, type SoakReport } from './run';

const USAGE = 'usage: npm run soak [-- --minutes 30 --share 0.7 --bound 512 --json]';

/** Returns exit code 0 if memory and p99 are flat and no follower lags, 1 if not, 2 for invalid options. */
async function main(): Promise<number> {
  const options = read();
  if (!options) return 2;
  const log = (line: string): void => {
    if (!options.json) console.log(`${new Date().toISOString().slice(11, 19)} ${line}`);
  };
  const stack = await Stack.start();
  stack.stopOnSignal();
  try {
    const report = await soak(stack, { ...options, log });
    if (options.json) for (const line of jsonLines(report)) console.log(JSON.stringify(line));
    else print(report, options.bound);
    return report.findings.length === 0 ? 0 : 1;
  } finally {
    await stack.stop();
  }
}

function read(): { minutes: number; share: number; bound: number; json: boolean } | undefined {
  const flags = {
    minutes: { type: 'string', default: '30' },
    share: { type: 'string', default: '0.7' },
    bound: { type: 'string', default: '512' },
    json: { type: 'boolean', default: false },
  } as const;
  try {
    const { values } = parseArgs({ options: flags });
    const [minutes, share, bound] = [Number(values.minutes), Number(values.share), Number(values.bound)];
    if (!(minutes >= LEAST_MINUTES && share > 0 && share <= 1 && bound >= 0))
      throw new Error(`--minutes must be at least ${LEAST_MINUTES}, --share above 0 and at most 1, --bound at least 0`);
    return { minutes, share, bound, json: values.json };
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return undefined;
  }
}

function jsonLines({ peak, rate, memory, p50, p99, lag, findings }: SoakReport): object[] {
  const line = (metric: string, value: number | null, unit: string, more: object = {}): object => ({
    bench: 'soak',
    metric,
    value,
    unit,
    ...more,
  });
  return [
    line('peak', peak, 'decisions/s'),
    line('rate', rate, 'decisions/s'),
    line('p50', p50, 'ms'),
    line('p99', p99.median, 'ms'),
    line('p99.slope', p99.slope, 'ms/min', { error: p99.error }),
    ...[...memory].map(([part, { slope, error, first, last, held }]) =>
      line(`memory.${part}`, slope, 'KB/min', { error, first, last, held }),
    ),
    line('lag.most', lag.most, 'events'),
    line('lag.drained', lag.drainedMs ?? null, 'ms'),
    ...findings.map((finding) => ({ bench: 'soak', finding })),
  ];
}

function print({ peak, rate, memory, p50, p99, lag, findings }: SoakReport, bound: number): void {
  console.table(
    [...memory].map(([part, { first, last, held, ...slope }]) => ({
      part,
      'max MB held': (held / 1_024).toFixed(0),
      'MB kept at start': (first / 1_024).toFixed(1),
      'at end': (last / 1_024).toFixed(1),
      'slope, KB/min': formatSlope(slope),
      'bytes per decision': ((slope.slope * 1_024) / 60 / rate).toFixed(0),
    })),
  );
  console.table({
    'peak, decisions/s': peak.toFixed(0),
    'load, decisions/s': rate.toFixed(0),
    'p50, ms': p50.toFixed(2),
    'p99, ms': p99.median.toFixed(2),
    'p99 slope, ms/min': formatSlope(p99),
    'max events behind': lag.most,
    'lag drained': lag.drainedMs === undefined ? 'no' : `yes, in ${lag.drainedMs.toFixed(0)} ms`,
  });
  console.log(
    `Memory that each part keeps, with 95 % confidence: for services, objects and buffers after a garbage collection; for servers, the lowest samples. The warm-up, which still keeps ended runs, is excluded. The limit is ${bound} KB/min.`,
  );
  for (const finding of findings) console.log(`NOT FLAT ${finding}`);
  if (findings.length === 0) console.log('flat');
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
