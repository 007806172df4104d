import type { RunHistory } from './memory';

/** Smallest rise that is written as an event; it bounds the number of events per run, apart from one per threshold. */
const STEP = 0.05;
const ROUNDING = 1e-9;

/**
 * Decides whether a run's drift is reported: the first time, after a rise by a step, and when it crosses a threshold of
 * its grant. A drift that is not above the last reported one is never reported: the monitor can only tighten.
 */
export function isReportable({ reported, thresholds }: RunHistory, drift: number): boolean {
  if (reported === undefined) return true;
  if (drift <= reported) return false;
  return (
    drift - reported >= STEP - ROUNDING || thresholds.some((threshold) => reported < threshold && drift >= threshold)
  );
}
