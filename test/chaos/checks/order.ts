import { difference } from '../../support/difference';
import type { Logged } from '../log';

/** Checks I5: positions are 0, 1, 2, … without gap or reuse, and the events of one command are adjacent. */
export function checkOrder(log: readonly Logged[]): string[] {
  const findings: string[] = [];
  log.forEach(({ event }, i) => {
    if (event.position !== i) findings.push(`the event at index ${i} has position ${event.position} (I5)`);
  });
  const ended = new Set<string>();
  let current = '';
  for (const { event } of log) {
    if (event.commandId === current) continue;
    ended.add(current);
    current = event.commandId;
    if (ended.has(current)) findings.push(`command ${current} was executed twice, again at ${event.position}`);
  }
  return findings;
}

/** Checks that the API returns the events as stored in the database. */
export function checkApi(log: readonly Logged[], returned: readonly Record<string, unknown>[]): string[] {
  if (returned.length !== log.length) return [`the API returns ${returned.length} events, the log has ${log.length}`];
  return log.flatMap(({ event }, i) => {
    const { payload: _payload, ...rest } = returned[i]!;
    const found = difference(event, rest);
    return found === undefined ? [] : [`the event that the API returns at ${i} differs from the log: ${found}`];
  });
}
