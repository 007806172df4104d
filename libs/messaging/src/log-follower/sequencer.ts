/**
 * When a follower reads its log, and what it may hand on: the deciding part of `followLog`, without I/O.
 *
 * News comes dropped, repeated, in any order, and wrong. It only says that there may be something to read: the log is
 * the truth, and a position that it does not have is forgotten after one reading. One reading is made at a time, and
 * what it gave is handled before the next.
 */

export interface Sequenced {
  readonly position: number;
}

export interface SequencerState {
  /** everything below has been handled */
  readonly next: number;
  /** one past the highest position heard of or read: `next` ≤ `head` */
  readonly head: number;
  /** one past the highest position heard of since the last reading began; the log may have got it after that reading */
  readonly heard: number;
  /** the log is to be looked into, whatever was heard */
  readonly lookDue: boolean;
}

/** @param start the first position that hasn't been handled. What the log has of it is found by a look. */
export function startSequence(start: number): SequencerState {
  if (!isPosition(start)) throw new Error(`not a position: ${start}`);
  return { next: start, head: start, heard: 0, lookDue: true };
}

/** It is said that the log reaches up to `head`. What is no position is no news. */
export function onHead(state: SequencerState, head: number): SequencerState {
  if (!isPosition(head)) return state;
  return { ...state, head: Math.max(state.head, head), heard: Math.max(state.heard, head) };
}

/** News may have been lost. */
export function onGap(state: SequencerState): SequencerState {
  return { ...state, lookDue: true };
}

/** Whether the log is to be read, from `next` on. */
export function wantsReading(state: SequencerState): boolean {
  return state.lookDue || state.head > state.next;
}

/** A reading of the log, from `next` on, begins. */
export function onReading(state: SequencerState): SequencerState {
  return { ...state, heard: 0, lookDue: false };
}

/**
 * The reading of at most `limit` events gave `events`. Throws where they aren't the positions from `next` on: then the
 * log has a gap (I5) or the reader is wrong, and nothing may go out.
 */
export function onRead(state: SequencerState, limit: number, events: readonly Sequenced[]): SequencerState {
  const { next, heard } = state;
  events.forEach(({ position }, index) => {
    if (position !== next + index)
      throw new Error(`reading the log from ${next} gave position ${position} where ${next + index} belongs (I5)`);
  });
  if (events.length > limit) throw new Error(`reading ${limit} events gave ${events.length}`);
  const end = next + events.length;
  if (events.length === limit) return { ...state, head: Math.max(state.head, end), lookDue: true }; // there may be more
  // The log ended here: what had been said before of positions beyond was wrong, or the reader is behind. Either way
  // it is forgotten, so that it costs one reading and not one after another.
  return { ...state, head: Math.max(end, heard) };
}

/** Everything below `position` has been handled. */
export function onSettled(state: SequencerState, position: number): SequencerState {
  const { next, head } = state;
  if (position < next || position > head)
    throw new Error(`settled ${position}, which is not within ${next} and ${head}`);
  return { ...state, next: position };
}

const isPosition = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
