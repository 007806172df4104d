import type { Period } from '@bailiwick/contracts/receipts/receipt';
import { parseTime, rfc3339, systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { LogLedger } from '../follower/log-ledger';
import { findState } from '../search/find-by-id';
import type { From } from './candidates';

/**
 * Reports whether no further event can be in a period: the log has a later event, or the period ended some time ago and
 * the ledger has read the entire log.
 */
export async function isOver(ledger: LogLedger, { eventlog }: From, { until }: Period): Promise<boolean> {
  const end = parseTime(until) as number;
  const { state, position } = ledger;
  const [last] = position === 0 ? [] : await eventlog.at(state.log, [position - 1]);
  if (last && (parseTime(last.time) as number) >= end) return true;
  return systemClock.now() >= end + LIMITS.periodSettledMs && (await eventlog.head(state.log)) <= position;
}

/** Returns why a run has no receipt of a period; undefined if it has one or does not exist. */
export async function problemOf(
  ledger: LogLedger,
  from: From,
  runId: string,
  period: Period,
): Promise<string | undefined> {
  const run = (await findState(ledger, from, 'run', runId))?.runs.get(runId);
  if (!run) return undefined;
  const [start, end] = [parseTime(period.from), parseTime(period.until)] as [number, number];
  if (end <= run.startedAt)
    return `the period ends at ${period.until}, before the run was opened at ${rfc3339(run.startedAt)}; give a later \`until\``;
  const now = Math.max(systemClock.now(), ledger.state.lastTime);
  if (start > now)
    return `the period starts at ${period.from}, in the future: it is ${rfc3339(now)}; give an earlier \`from\``;
  return undefined;
}
