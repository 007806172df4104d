import type { Event, EventType } from '#contracts/event';
import { LIMITS } from '#kernel/limits';
import type { Process } from '../process';
import type { World } from '../world';

const TIGHTENS: readonly EventType[] = [
  'GrantRevoked',
  'RevocationRuleAdded',
  'GrantSuspended',
  'DriftScored',
  'Refused',
];

/** process → log → when its last append began, and how far its clock was off then */
const begun = new WeakMap<Process, Map<string, { wall: number; skew: number }>>();

/**
 * I11: an event is of the time that its owner's clock showed since its last append began (what comes while one is under
 * way is decided meanwhile), or of the newest event's where that is later; and by a clock that is far behind, nothing is
 * decided but what takes authority away. (What time had ended by then may be written down.)
 */
export function checkTime(world: World, process: Process, log: string, events: readonly Event[]): void {
  const now = { wall: world.wall(), skew: process.skew };
  const logs = begun.get(process) ?? new Map<string, typeof now>();
  const last = logs.get(log) ?? now;
  begun.set(process, logs.set(log, now));
  const earliest = last.wall + Math.min(last.skew, now.skew);
  const latest = now.wall + Math.max(last.skew, now.skew);
  for (const event of events) {
    const time = Date.parse(event.time);
    world.must(
      time >= earliest,
      () => `I11: ${log}@${event.position} is ${earliest - time} ms earlier than the clock of ${process.name}`,
    );
    const behind = time - latest;
    if (behind > LIMITS.clockBackMs && !event.commandId.startsWith('cmd_tick_')) {
      world.count('tightened by a clock that went back');
      world.must(
        TIGHTENS.includes(event.type),
        () => `I11: ${log}@${event.position} (${event.type}) was decided by a clock that is ${behind} ms behind`,
      );
    }
  }
}
