import { EVENT_DATA, type Event, type EventType } from '@bailiwick/contracts/events/event';
import { readStoredEvent } from '@bailiwick/contracts/events/shared-parsing';
import { isId } from '@bailiwick/core/ids';
import type { Result } from '@bailiwick/core/result';
import type { LogState, UnreadableNode } from './state';

/*
 * The effect of a stored event that cannot be read is contained (I11). Its position counts and its bytes stay in the
 * Merkle tree. The tree of runs that it names is set aside: later events of that tree are passed over, except those
 * that end it, and every decision about the tree is a denial. If the body names no tree, or may concern more than one,
 * the whole log is in doubt.
 *
 * All of this follows from the stored bodies alone, so every fold sets aside the same events at the same position
 * (I10).
 */

/** Event types that concern exactly one tree, whatever else their events contain. */
const OF_ONE_TREE: ReadonlySet<unknown> = new Set(
  (Object.keys(EVENT_DATA) as EventType[]).filter(
    (type) =>
      ![
        'RevocationRuleAdded',
        'QuarantineLifted',
        'SuspensionLifted',
        'ResponderFired',
        'TenantBudgetSet',
        'TenantBudgetRemoved',
        'PolicyPart',
        'PolicyDeployed',
        'PolicyShadowed',
        'KeyChanged',
        'McpServerApproved',
        'McpServerChanged',
        'WebhookChanged',
        'SessionChanged',
        'SignalReceived',
        'PayloadsErased',
        'HistoryImported',
        'EventSetAside',
      ].includes(type),
  ),
);

/** Event types that still count in a tree that is set aside, since they take authority away. */
const COUNTS_ASIDE: ReadonlySet<EventType> = new Set<EventType>([
  'GrantRevoked',
  'RevocationRuleAdded',
  'EventSetAside',
]);

/** Returns the first unreadable event of a tree, or undefined if the tree is not set aside. */
export function asideBy({ unreadable }: LogState, treeId: string | undefined): UnreadableNode | undefined {
  if (unreadable.size === 0 || treeId === undefined) return undefined;
  for (const node of unreadable.values()) if (node.treeId === treeId) return node;
  return undefined;
}

/** Returns the first unreadable event that may concern anything in the log. */
export function doubtOf({ unreadable }: LogState): UnreadableNode | undefined {
  for (const node of unreadable.values()) if (node.treeId === undefined) return node;
  return undefined;
}

/** Reports whether this event belongs to a tree that is set aside and does not end it. */
export const isPassedOver = (state: LogState, event: Event): boolean =>
  state.unreadable.size > 0 && !COUNTS_ASIDE.has(event.type) && asideBy(state, event.treeId) !== undefined;

/** Parses a stored body as an event, or returns the reason why it cannot be read. */
export function readBody(body: string): Result<Event, unknown> {
  return readStoredEvent({ body });
}

/**
 * Returns the tree that an unreadable body concerns, as far as its JSON states one. Only the body is read, not the
 * columns stored with it, since only the body is hashed. A body of another log or another position identifies no tree.
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
