import { evolve } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { fromSnapshot } from '@bailiwick/authority/state/snapshot';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import type { Event } from '@bailiwick/contracts/events/event';
import { parseLogName } from '@bailiwick/core/ids';
import { entryHash } from '@bailiwick/transparency-log/hash';
import { naiveRoot } from '@bailiwick/transparency-log/testing/naive-tree';
import type { Database } from '../database';
import type { Follower } from '../follower';
import { Violation, type World } from '../world';

/** Folds the state of these events from position 0. */
export function refold(log: string, events: readonly Event[]): LogState {
  const { tenant, n } = parseLogName(log);
  return events.reduce((state, event) => evolve(state, event), emptyState(log, tenant, n));
}

/** Checks I10: a snapshot equals the fold of the log up to its position. */
export function checkSnapshot(database: Database, log: string, position: number, state: string): void {
  const events = database.events(log);
  if (position > events.length)
    throw new Violation(`I4: the snapshot of ${log} at ${position} is ahead of the committed events`);
  if (stateDigest(fromSnapshot(state)) !== stateDigest(refold(log, events.slice(0, position))))
    throw new Violation(`I10: the snapshot of ${log} at ${position} differs from the fold of its events`);
}

/** Checks I10 and I12: a follower's events, state and published tree heads match the log. */
export function checkFollower(database: Database, { log, kept, folded, heads, process }: Follower, world: World): void {
  const bodies = database.bodies.get(log) as string[];
  const who = process.name;
  if (kept.bodies.length !== bodies.length || kept.bodies.some((body, i) => body !== bodies[i]))
    throw new Violation(`I10: the events of ${who} differ from ${log}`);
  if (stateDigest(folded) !== stateDigest(refold(log, database.events(log))))
    throw new Violation(`I10: the state of ${who} differs from the fold of ${log}`);
  const entries = bodies.map(entryHash);
  for (const { size, root } of heads) {
    if (!naiveRoot(entries.slice(0, size)).equals(root))
      throw new Violation(`I12: ${who} published a head of size ${size} that is not the root of ${log}`);
    world.count('tree head');
  }
}
