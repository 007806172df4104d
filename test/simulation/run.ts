import { parseArgs } from 'node:util';
import { neverReached, report, simulateMany, type Tally } from './many';
import { tryMutations } from './mutate';

const USAGE = `npm run simulate -- [--seeds N] [--from N]   N seeds (1000), the first of them (1)
                    --seed N [--trace]       one seed, with all its steps
                    --mutations [--only TEXT] [--often]
                                             checks that the simulation fails with a broken rule:
                                             all rules, those whose name contains TEXT, or the quick ones`;

const whole = (text: string, name: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} must be a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
};

/** Runs `npm run simulate`. Returns the number of failures, of unreached situations, or of mutations not caught. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean', default: false },
      mutations: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      often: { type: 'boolean', default: false },
    },
  });
  if (values.mutations) return mutations(values.only, values.often);
  if (values.seed !== undefined) return one(whole(values.seed, 'seed'), values.trace);
  const count = whole(values.seeds, 'seeds');
  return many(whole(values.from, 'from'), count);
}

async function one(seed: number, trace: boolean): Promise<number> {
  const { failed } = await simulateMany(seed, 1, (_tally, outcome) => {
    if (trace) console.log(outcome.history.join('\n'));
    console.log(`seed ${seed}: ${outcome.events} events, ${outcome.history.length} steps, history ${outcome.digest}`);
    return true;
  });
  for (const outcome of failed) console.log(report(outcome));
  return failed.length;
}

async function many(from: number, count: number): Promise<number> {
  const tally = await simulateMany(from, count, (soFar, outcome) => {
    if (outcome.failure) console.log(report(outcome));
    if (soFar.seeds % 100 === 0) progress(soFar, count);
    return false;
  });
  const missed = neverReached(tally);
  const { reached, failed, seeds, events } = tally;
  console.log(
    [...reached]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([what, times]) => `${String(times).padStart(9)}  ${what}`)
      .join('\n'),
  );
  console.log(`${seeds} seeds from ${from}, ${events} events: ${failed.length} failed`);
  if (failed.length > 0) console.log(`failed: ${failed.map(({ seed }) => seed).join(', ')}`);
  if (missed.length > 0) console.log(`never reached: ${missed.join('; ')}`);
  return failed.length + missed.length;
}

function progress({ seeds, failed, events }: Tally, count: number): void {
  const line = `${seeds} of ${count} seeds, ${events} events, ${failed.length} failed`;
  process.stderr.write(process.stderr.isTTY ? `\r${line}` : `${line}\n`);
  if (process.stderr.isTTY && seeds === count) process.stderr.write('\n');
}

async function mutations(only: string, often: boolean): Promise<number> {
  let missed = 0;
  for await (const { name, caught } of tryMutations(only, often)) {
    console.log(
      `${caught ? `caught by seed ${caught.seed}` : 'NOT CAUGHT'}: ${name}${caught ? `\n    ${caught.says}` : ''}`,
    );
    if (!caught) missed += 1;
  }
  return missed;
}

main().then(
  (wrong) => process.exit(wrong === 0 ? 0 : 1),
  (error: unknown) => {
    console.error(`${(error as Error).message}\n${USAGE}`);
    process.exit(2);
  },
);
