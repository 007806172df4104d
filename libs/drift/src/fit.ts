import { LEVELS, weighted, type Parameters } from './model';
import { SIGNS, type SignName } from './signs';

/** A run for fitting: the signs of each of its calls. */
export interface Example {
  /** runs of one task share their words: they count together as the square root of their number */
  readonly task: string;
  readonly hijacked: boolean;
  /** calls × signs */
  readonly calls: readonly (readonly number[])[];
  /** the calls that an injected instruction caused, if they are known */
  readonly injected: readonly number[];
}

const ROUNDS = 6;
/** In the first rounds the injected calls stand for a hijacked run; later its worst call does. */
const GUIDED_ROUNDS = 3;
const STEPS = 120;
const RATE = 0.05;
/** Pulls weights towards 0, so that no sign of the data at hand dominates. */
const SHRINKAGE = 5e-3;
const START = 1;

/**
 * Fits the weights by logistic regression on the worst call of each run, with weights of at least 0. Deterministic.
 * @param without a sign that is left out
 */
export function fitWeights(examples: readonly Example[], without?: SignName): number[] {
  const signs = SIGNS.length;
  const used = SIGNS.map(({ name }) => name !== without);
  const runs = examples.filter(({ calls }) => calls.length > 0);
  const shares = sharesOf(runs);
  const weights = [...used.map((each) => (each ? START : 0)), -2];
  for (let round = 0; round < ROUNDS; round++) {
    // the last one is the constant
    const worst = runs.map((run) =>
      Float64Array.from([...worstOf(run, weights.slice(0, signs), round < GUIDED_ROUNDS), 1]),
    );
    const [mean, square] = [new Float64Array(signs + 1), new Float64Array(signs + 1)];
    for (let step = 1; step <= STEPS; step++) {
      const gradient = new Float64Array(signs + 1);
      worst.forEach((amounts, at) => {
        const p = 1 / (1 + Math.exp(-weighted(weights, amounts)));
        const error = (shares[at] as number) * (p - (runs[at]?.hijacked === true ? 1 : 0));
        for (let i = 0; i <= signs; i++) gradient[i] = (gradient[i] as number) + error * (amounts[i] as number);
      });
      for (let i = 0; i <= signs; i++) {
        const g = (gradient[i] as number) + (i < signs ? SHRINKAGE * (weights[i] as number) : 0);
        mean[i] = 0.9 * (mean[i] as number) + 0.1 * g;
        square[i] = 0.99 * (square[i] as number) + 0.01 * g * g;
        const change =
          (mean[i] as number) / (1 - 0.9 ** step) / (Math.sqrt((square[i] as number) / (1 - 0.99 ** step)) + 1e-9);
        const next = (weights[i] as number) - RATE * change;
        weights[i] = i === signs ? next : used[i] === true ? Math.max(0, next) : 0;
      }
    }
  }
  return weights.slice(0, signs).map((weight) => Math.round(weight * 1_000) / 1_000);
}

function sharesOf(runs: readonly Example[]): number[] {
  const keyOf = ({ task, hijacked }: Example): string => `${hijacked ? 1 : 0} ${task}`;
  const count = new Map<string, number>();
  for (const run of runs) count.set(keyOf(run), (count.get(keyOf(run)) ?? 0) + 1);
  const raw = runs.map((run) => 1 / Math.sqrt(count.get(keyOf(run)) ?? 1));
  const total = (hijacked: boolean): number =>
    runs.reduce((sum, run, at) => sum + (run.hijacked === hijacked ? (raw[at] as number) : 0), 0);
  const [yes, no] = [total(true), total(false)];
  return runs.map((run, at) => (0.5 * (raw[at] as number)) / (run.hijacked ? yes : no));
}

function worstOf(
  { calls, hijacked, injected }: Example,
  weights: readonly number[],
  guided: boolean,
): readonly number[] {
  const known = hijacked && guided ? injected.flatMap((at) => (calls[at] ? [calls[at]] : [])) : [];
  let [best, most] = [undefined as readonly number[] | undefined, -1];
  for (const amounts of known.length > 0 ? known : calls) {
    const sum = weighted(weights, amounts);
    if (sum > most) [best, most] = [amounts, sum];
  }
  return best as readonly number[];
}

/** The weighted sum of a run: that of its worst call. */
export const sumOf = (calls: readonly (readonly number[])[], weights: readonly number[]): number =>
  calls.reduce((most, amounts) => Math.max(most, weighted(weights, amounts)), 0);

/** Runs that were not hijacked, by task: each task counts the same, however many runs of it there are. */
export interface Clean {
  readonly task: string;
  readonly sum: number;
}

/**
 * Returns the curve from weighted sums to scores by the shares of clean runs in `LEVELS`, of sums from weights that were
 * fitted without these runs: those that were fitted with them are too low.
 */
export function curveOf(clean: readonly Clean[]): [number, number][] {
  const curve: [number, number][] = [];
  let last = 0;
  for (const { score, falseAlarms } of LEVELS) {
    last = Math.max(last + 0.1, quantile(clean, falseAlarms));
    curve.push([Math.round(last * 1_000) / 1_000, score]);
  }
  return curve;
}

/** The sum that this share of clean runs reaches or exceeds, each task with the same weight. */
export function quantile(clean: readonly Clean[], share: number): number {
  const count = new Map<string, number>();
  for (const { task } of clean) count.set(task, (count.get(task) ?? 0) + 1);
  const sorted = [...clean].sort((a, b) => b.sum - a.sum);
  let above = 0;
  for (const { task, sum } of sorted) {
    above += 1 / (count.get(task) ?? 1) / count.size;
    if (above > share) return sum + 1e-9;
  }
  return 0;
}

export const parametersOf = (
  version: string,
  weights: readonly number[],
  curve: readonly (readonly [number, number])[],
  from: Parameters['from'],
): Parameters => ({
  version,
  weights: Object.fromEntries(SIGNS.map(({ name }, at) => [name, weights[at] ?? 0])) as Record<SignName, number>,
  curve,
  from,
});
