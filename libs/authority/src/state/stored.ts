import type { Event } from '@bailiwick/contracts/events/event';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { readStoredEvent } from '@bailiwick/contracts/events/shared-parsing';
import { sha256hex } from '@bailiwick/core/digest';
import { asideBy, treeNamed } from './set-aside';
import { dropEnded, evolve } from '../events/evolve';
import { CorruptLog } from '../events/follows';
import type { LogState } from './state';

/** The bytes and the position of a stored event: all that the state is folded from. */
export type StoredBody = Pick<StoredEvent, 'position' | 'body'>;

/** Returns the digest by which a person names the body that they have examined. */
export const bodyDigest = (body: string): string => `sha256:${sha256hex(body)}`;

/**
 * Folds a stored event into the state, in place. An event that cannot be read, or cannot follow from the events before
 * it, is set aside with the tree that it names, and the fold continues after it.
 * @returns the event, or undefined if it was set aside
 * @throws CorruptLog if the log has a gap here: the missing events may be anything
 */
export function evolveStored(
  state: LogState,
  stored: StoredBody,
  fold: (state: LogState, event: Event) => unknown = evolve,
): Event | undefined {
  const { position } = stored;
  if (position !== state.next)
    throw new CorruptLog(`event ${state.log}@${position} cannot follow ${state.log}@${state.next - 1} (I5)`);
  const read = readStoredEvent(stored);
  try {
    if (!read.ok) throw new CorruptLog('it cannot be read');
    fold(state, read.value);
    return read.value;
  } catch (error) {
    if (!(error instanceof CorruptLog)) throw error;
    setAside(state, stored);
    return undefined;
  }
}

/** Consumes the position. The tree that the event names waits for an operator and does not expire or get forgotten. */
function setAside(state: LogState, { position, body }: StoredBody): void {
  const treeId = treeNamed(state, position, body);
  // this event adds nothing to a tree that is already set aside
  if (asideBy(state, treeId) === undefined || !readStoredEvent({ body }).ok)
    state.unreadable.set(position, { position, treeId, bodyDigest: bodyDigest(body) });
  state.next = position + 1;
  const tree = treeId === undefined ? undefined : state.trees.get(treeId);
  if (tree?.quietAt !== undefined) {
    state.ended.take(tree);
    tree.quietAt = undefined;
  }
  dropEnded(state);
}
