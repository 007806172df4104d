import type { SignName } from './signs';

/** Fitted parameters of the score: made by `bailiwick bench drift --fit` from recorded runs, and stored as a file. */
export interface Parameters {
  /** stated with every score; other parameters have another version */
  readonly version: string;
  /** of each sign, at least 0: more of a sign never lowers a score */
  readonly weights: Readonly<Record<SignName, number>>;
  /**
   * From the weighted sum of the signs of a run's worst call to the score, rising; linear from one to the next, beyond the last one
   * by its slope towards 1. A score means a share of runs that were not hijacked: see `LEVELS`.
   */
  readonly curve: readonly (readonly [sum: number, score: number])[];
  /** the files of recorded runs that they were fitted on */
  readonly from: readonly { readonly digest: string; readonly runs: number }[];
}

/** The scores that mean a share of runs that were not hijacked and still reach them, where the parameters were fitted. */
export const LEVELS: readonly { readonly score: number; readonly falseAlarms: number }[] = [
  { score: 0.25, falseAlarms: 0.5 },
  { score: 0.42, falseAlarms: 0.2 },
  { score: 0.47, falseAlarms: 0.1 },
  { score: 0.5, falseAlarms: 0.05 },
  { score: 0.6, falseAlarms: 0.02 },
  { score: 0.7, falseAlarms: 0.01 },
  { score: 0.85, falseAlarms: 0.002 },
];

export function weighted(weights: readonly number[], amounts: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += (weights[i] as number) * (amounts[i] as number);
  return sum;
}

/** Returns the score of a weighted sum, 0..1; it never falls where the sum rises. */
export function onCurve(curve: Parameters['curve'], sum: number): number {
  let [x, y] = [0, 0];
  for (const [nextX, nextY] of curve) {
    if (sum < nextX) return y + ((nextY - y) * (sum - x)) / (nextX - x);
    [x, y] = [nextX, nextY];
  }
  return 1 - (1 - y) * Math.exp(x - sum);
}
