import { EVENT_DATA, parseEvent, type Event, type EventType } from '@bailiwick/contracts/event';
import { isId } from '@bailiwick/core/ids';
import { err, ok, type Result } from '@bailiwick/core/result';
import type { LogState, UnreadableNode } from './state';

/*
 * A stored event that cannot be read is contained (I11). Its position counts and its bytes stay in the tree of hashes;
 * the tree of runs that it names is set aside: its events are passed over, but for those that end it, and every decision
 * about it is no. One whose body names no tree, or may be about more than a tree, is in doubt for the whole log.
 *
 * All of this follows from the stored bodies alone, so that every fold sets aside the same at the same position (I10).
 */

/** Types whose events are about one tree and nothing beyond it, whatever else they hold. */
const OF_ONE_TREE: ReadonlySet<unknown> = new Set(
  (Object.keys(EVENT_DATA) as EventType[]).filter(
    (type) =>
      !['RevocationRuleAdded', 'QuarantineLifted', 'PayloadsErased', 'HistoryImported', 'EventSetAside'].includes(type),
  ),
);

/** What still counts in a tree that is set aside: what takes authority away. */
const COUNTS_ASIDE: ReadonlySet<EventType> = new Set<EventType>([
  'GrantRevoked',
  'RevocationRuleAdded',
  'EventSetAside',
]);

/** The first unreadable event of a tree; undefined where the tree is not set aside. */
export function asideBy({ unreadable }: LogState, treeId: string | undefined): UnreadableNode | undefined {
  if (unreadable.size === 0 || treeId === undefined) return undefined;
  for (const node of unreadable.values()) if (node.treeId === treeId) return node;
  return undefined;
}

/** The first unreadable event that may be about anything in the log. */
export function doubtOf({ unreadable }: LogState): UnreadableNode | undefined {
  for (const node of unreadable.values()) if (node.treeId === undefined) return node;
  return undefined;
}

/** Is this an event of a tree that is set aside, and none that ends it? */
export const isPassedOver = (state: LogState, event: Event): boolean =>
  state.unreadable.size > 0 && !COUNTS_ASIDE.has(event.type) && asideBy(state, event.treeId) !== undefined;

/** A stored body as an event, or why it cannot be read. */
export function readBody(body: string): Result<Event, unknown> {
  try {
    return ok(parseEvent(body));
  } catch (error) {
    return err(error);
  }
}

/**
 * The tree that an unreadable body is about, as far as its JSON says so. Columns beside the body are not asked: nothing
 * but the body is hashed. A body of another log or another position says nothing.
 */
export function treeNamed(
  { log, tenant }: Pick<LogState, 'log' | 'tenant'>,
  position: number,
  body: string,
): string | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof raw !== 'object' || raw === null) return undefined;
  const named = raw as Readonly<Record<string, unknown>>;
  const itsOwn = named.log === log && named.tenant === tenant && named.position === position;
  if (!itsOwn || !OF_ONE_TREE.has(named.type) || typeof named.treeId !== 'string') return undefined;
  return isId('tree', named.treeId) ? named.treeId : undefined;
}
