import type { Event, EventType } from '@bailiwick/contracts/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { Process } from '../process';
import type { World } from '../world';

const TIGHTENS: readonly EventType[] = [
  'GrantRevoked',
  'RevocationRuleAdded',
  'GrantSuspended',
  'DriftScored',
  'Refused',
];

/** An append of an owner. */
interface Sent {
  /** what its clock showed when the append began, and how far that was off, ms */
  readonly began: number;
  readonly skew: number;
  /** the time of its newest event, ms */
  readonly newest: number;
  /** when its owner heard of it, by the world's time */
  heard?: number;
}
const last = new WeakMap<Process, Map<string, Sent>>();

/**
 * I11: an event is of the time that its owner's clock shows, or of the newest event's where that is later; what was
 * decided while the append before it was under way is of a time soon after that began. And by a clock that is far behind,
 * nothing is decided but what takes authority away. (What time had ended by then may be written down.)
 * @returns to be called when the owner hears of the append
 */
export function checkTime(world: World, process: Process, log: string, events: readonly Event[]): () => void {
  const clock = process.clock.now();
  const sent = last.get(process) ?? new Map<string, Sent>();
  const before = sent.get(log);
  // an owner that has heard of one append sends at once what it has decided meanwhile
  const meanwhile = before?.heard === world.now ? before : undefined;
  const latest = meanwhile ? Math.max(clock, world.wall() + meanwhile.skew) : clock;
  for (const event of events) {
    const time = Date.parse(event.time);
    world.must(
      time >= clock || (meanwhile !== undefined && isSoonAfter(meanwhile, time)),
      () => `I11: ${log}@${event.position} is ${clock - time} ms earlier than the clock of ${process.name}`,
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
  const now: Sent = { began: clock, skew: process.skew, newest: Date.parse(events.at(-1)?.time ?? '') };
  last.set(process, sent.set(log, now));
  return () => (now.heard = world.now);
}

const isSoonAfter = ({ began, newest }: Sent, time: number): boolean =>
  time >= newest && time <= Math.max(newest, began + LIMITS.decideAheadMs);
