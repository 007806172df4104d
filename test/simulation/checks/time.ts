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

/**
 * I11: an event is of the time that its owner's clock shows, or of the newest event's where that is later; and by a
 * clock that is far behind, nothing is decided but what takes authority away. (What time had ended by then may be
 * written down.)
 */
export function checkTime(world: World, process: Process, log: string, events: readonly Event[]): void {
  const clock = process.clock.now();
  for (const event of events) {
    const behind = Date.parse(event.time) - clock;
    world.must(
      behind >= 0,
      () => `I11: ${log}@${event.position} is ${-behind} ms earlier than the clock of ${process.name}`,
    );
    if (behind > LIMITS.clockBackMs && !event.commandId.startsWith('cmd_tick_')) {
      world.count('tightened by a clock that went back');
      world.must(
        TIGHTENS.includes(event.type),
        () => `I11: ${log}@${event.position} (${event.type}) was decided by a clock that is ${behind} ms behind`,
      );
    }
  }
}
