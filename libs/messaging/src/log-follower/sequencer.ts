/**
 * Decides when a follower reads its log, and which events it may pass on: the pure part of `followLog`, without I/O.
 *
 * Notifications may be lost, repeated, reordered and wrong. They only hint that there may be events to read: the log is
 * the source of truth, and a position that it does not have is forgotten after one read. Reads do not overlap, and the
 * events of one are handled before the next.
 */

export interface Sequenced {
  readonly position: number;
}

export interface SequencerState {
  /** all positions below have been handled */
  readonly next: number;
  /** one past the highest position announced or read: `next` ≤ `head` */
  readonly head: number;
  /** one past the highest position announced since the last read started; it may have been committed after that read */
  readonly heard: number;
  /** the log is to be polled regardless of notifications */
  readonly pollDue: boolean;
}

/** @param start the first position that has not been handled; a poll finds which further ones the log has */
export function startSequence(start: number): SequencerState {
  if (!isPosition(start)) throw new Error(`not a position: ${start}`);
  return { next: start, head: start, heard: 0, pollDue: true };
}

/** Records a notification that the log extends up to `head`; ignores values that are not positions. */
export function onHead(state: SequencerState, head: number): SequencerState {
  if (!isPosition(head)) return state;
  return { ...state, head: Math.max(state.head, head), heard: Math.max(state.heard, head) };
}

/** Records that notifications may have been lost. */
export function onGap(state: SequencerState): SequencerState {
  return { ...state, pollDue: true };
}

/** Reports whether the log is to be read, from `next` on. */
export function wantsReading(state: SequencerState): boolean {
  return state.pollDue || state.head > state.next;
}

/** Records that a read of the log from `next` on starts. */
export function onReading(state: SequencerState): SequencerState {
  return { ...state, heard: 0, pollDue: false };
}

/**
 * Records the result of a read of at most `limit` events. Throws if they are not the positions from `next` on: then the
 * log has a gap (I5) or the reader is wrong, and nothing may be passed on.
 */
export function onRead(state: SequencerState, limit: number, events: readonly Sequenced[]): SequencerState {
  const { next, heard } = state;
  events.forEach(({ position }, index) => {
    if (position !== next + index)
      throw new Error(`a read of the log from ${next} returned position ${position} instead of ${next + index} (I5)`);
  });
  if (events.length > limit) throw new Error(`a read of ${limit} events returned ${events.length}`);
  const end = next + events.length;
  if (events.length === limit) return { ...state, head: Math.max(state.head, end), pollDue: true }; // there may be more
  // The log ended here: earlier notifications of further positions were wrong, or the reader lags. In both cases they
  // are forgotten, so that they cost one read and not an endless series.
  return { ...state, head: Math.max(end, heard) };
}

/** Records that all positions below `position` have been handled. */
export function onSettled(state: SequencerState, position: number): SequencerState {
  const { next, head } = state;
  if (position < next || position > head)
    throw new Error(`settled ${position}, which is not within ${next} and ${head}`);
  return { ...state, next: position };
}

const isPosition = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
