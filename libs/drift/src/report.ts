import type { RunHistory } from './memory';

/** A smaller rise is not worth an event: so at most this many times per run, and once for each threshold. */
const STEP = 0.05;
const ROUNDING = 1e-9;

/**
 * Whether a run's drift is worth telling: the first time, when it has risen by a step, and when it crosses what its
 * grant says something happens at. Never when it is not above what was told before: the monitor can only tighten.
 */
export function isReportable({ reported, thresholds }: RunHistory, drift: number): boolean {
  if (reported === undefined) return true;
  if (drift <= reported) return false;
  return (
    drift - reported >= STEP - ROUNDING || thresholds.some((threshold) => reported < threshold && drift >= threshold)
  );
}
