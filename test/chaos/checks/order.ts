import { difference } from '../../support/difference';
import type { Logged } from '../log';

/** I5: positions 0, 1, 2, … with no gap and no reuse; what one command made stands together. */
export function checkOrder(log: readonly Logged[]): string[] {
  const findings: string[] = [];
  log.forEach(({ event }, i) => {
    if (event.position !== i) findings.push(`the event at ${i} says that it is at ${event.position} (I5)`);
  });
  const ended = new Set<string>();
  let current = '';
  for (const { event } of log) {
    if (event.commandId === current) continue;
    ended.add(current);
    current = event.commandId;
    if (ended.has(current)) findings.push(`command ${current} was carried out twice, again at ${event.position}`);
  }
  return findings;
}

/** What the API tells of the log is what the database holds. */
export function checkTold(log: readonly Logged[], told: readonly Record<string, unknown>[]): string[] {
  if (told.length !== log.length) return [`the API tells ${told.length} events, and the log has ${log.length}`];
  return log.flatMap(({ event }, i) => {
    const { payload: _beside, ...there } = told[i]!;
    const found = difference(event, there);
    return found === undefined ? [] : [`the API tells another event at ${i} than the log holds: ${found}`];
  });
}
