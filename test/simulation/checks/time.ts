import type { Event, EventType } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { Process } from '../process';
import type { World } from '../world';

const REMOVES_AUTHORITY: readonly EventType[] = [
  'GrantRevoked',
  'RevocationRuleAdded',
  'GrantSuspended',
  'GrantNarrowed',
  'GrantExhausted',
  'DriftScored',
  'Refused',
];

/** An append of an owner. */
interface Append {
  /** the owner's clock at the start of the append, and its skew, ms */
  readonly startedAt: number;
  readonly skew: number;
  /** the time of its newest event, ms */
  readonly newest: number;
  /** when the owner received the result, in the world's time */
  receivedAt?: number;
}
const lastAppends = new WeakMap<Process, Map<string, Append>>();

/**
 * Checks I11: the time of an event is the owner's clock, or the time of the newest event if that is later. An event
 * decided during the previous append may have a time shortly after the start of that append. An owner whose clock is
 * far behind decides nothing but the removal of authority; ticks may still record what has expired.
 * @returns a function to call when the owner receives the result of the append
 */
export function checkTime(world: World, process: Process, log: string, events: readonly Event[]): () => void {
  const clock = process.clock.now();
  const appends = lastAppends.get(process) ?? new Map<string, Append>();
  const before = appends.get(log);
  // after an append, an owner immediately sends the events that it decided during that append
  const previous = before?.receivedAt === world.now ? before : undefined;
  const latest = previous ? Math.max(clock, world.wall() + previous.skew) : clock;
  for (const event of events) {
    const time = Date.parse(event.time);
    world.assert(
      time >= clock || (previous !== undefined && isShortlyAfter(previous, time)),
      () => `I11: ${log}@${event.position} is ${clock - time} ms earlier than the clock of ${process.name} shows`,
    );
    const behind = time - latest;
    if (behind > LIMITS.clockBackMs && !event.commandId.startsWith('cmd_tick_')) {
      world.count('authority removed by a clock that went back');
      world.assert(
        REMOVES_AUTHORITY.includes(event.type),
        () => `I11: ${log}@${event.position} (${event.type}) was decided by a clock that is ${behind} ms behind`,
      );
    }
  }
  const now: Append = { startedAt: clock, skew: process.skew, newest: Date.parse(events.at(-1)?.time ?? '') };
  lastAppends.set(process, appends.set(log, now));
  return () => (now.receivedAt = world.now);
}

const isShortlyAfter = ({ startedAt, newest }: Append, time: number): boolean =>
  time >= newest && time <= Math.max(newest, startedAt + LIMITS.decideAheadMs);
