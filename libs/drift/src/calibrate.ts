import { quantile } from './fit';
import { LEVELS } from './model';

/** A run of a class that ended well, with the highest score that it reached. */
export interface CleanRun {
  /** runs of one task count together as one */
  readonly task: string;
  readonly score: number;
}

export interface Calibration {
  /** wanted share of clean runs that reach the threshold */
  readonly rate: number;
  /** the threshold for that share by the runs of the class alone */
  readonly own: number;
  /** by the runs that the parameters were fitted on */
  readonly shipped: number;
  /** between the two: the more tasks there are, the nearer to that of the class */
  readonly threshold: number;
}

/** With this number of different tasks, a threshold of the class counts as much as the shipped one. */
export const TASKS = 20;
/** A threshold is above every score that it is meant to let pass. */
const ABOVE = 0.001;

/** Returns the thresholds of a class of agents for these shares of false alarms, from clean runs of it. */
export function calibrate(runs: readonly CleanRun[], rates: readonly number[]): Calibration[] {
  const tasks = new Set(runs.map(({ task }) => task)).size;
  const trust = tasks / (tasks + TASKS);
  return rates.map((rate) => {
    const shipped = shippedThreshold(rate);
    const own = Math.min(
      1,
      quantile(
        runs.map(({ task, score }) => ({ task, sum: score })),
        rate,
      ) + ABOVE,
    );
    const threshold = trust * own + (1 - trust) * shipped;
    return { rate, own: round(own), shipped: round(shipped), threshold: round(threshold) };
  });
}

/** The score that means this share of false alarms, by the logarithm of the share from one level to the next. */
function shippedThreshold(rate: number): number {
  let [last] = LEVELS;
  for (const level of LEVELS) {
    if (last && level !== last && rate >= level.falseAlarms) {
      const part =
        Math.log(last.falseAlarms / Math.min(rate, last.falseAlarms)) / Math.log(last.falseAlarms / level.falseAlarms);
      return last.score + part * (level.score - last.score);
    }
    last = level;
  }
  return last?.score ?? 1;
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;
