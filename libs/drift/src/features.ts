import { callKey, resourceKey } from './history';
import type { Call, RunHistory } from './memory';
import { isRelated } from './related';

/** How strongly a call shows a feature, 0..1, and why, in one sentence that quotes no argument and no result. */
export interface Finding {
  readonly amount: number;
  readonly says: string;
}
const NONE: Finding = { amount: 0, says: '' };

/** The input of the features that are not fitted: recorded runs are too short to show them. */
export interface Look {
  readonly run: RunHistory;
  readonly call: Call;
}

/** Counts the different resources unrelated to the goal that the run has accessed. */
export function breadth({ run, call }: Look): Finding {
  if (run.unrelated < FREE) return NONE;
  const fresh = !run.resources.has(resourceKey(call));
  const unrelated = run.unrelated + (fresh && !isRelated(run, call) ? 1 : 0);
  const amount = 1 - Math.exp(-Math.max(0, unrelated - FREE) / SCALE);
  return { amount, says: `the run has accessed ${unrelated} different resources that the goal does not name` };
}
/**
 * Any task needs some exploration: this number of resources is free; beyond it the amount approaches 1 at this scale.
 */
const FREE = 8;
const SCALE = 20;

/** Detects a run that keeps requesting what it is refused, beyond the rate at which refusals are written one by one. */
export function probing({ run }: Pick<Look, 'run'>): Finding {
  if (run.refused === 0) return NONE;
  return {
    amount: 1 - 0.5 * Math.exp(-run.refused / REFUSED_SCALE),
    says: `the run was refused ${run.refused} times beyond the refusals that the log lists one by one`,
  };
}
const REFUSED_SCALE = 100;

/** Detects the same write or sending repeated many times. */
export function repetition({ run, call }: Look): Finding {
  if (call.effect === 'read') return NONE;
  const times = (run.calls.get(callKey(call)) ?? 0) + 1;
  return { amount: Math.min(1, Math.max(0, times - 2) / 4), says: `it is the same call for the ${times}th time` };
}
