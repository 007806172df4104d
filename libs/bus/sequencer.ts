/**
 * Which event of a log comes next: the deciding part of `followLog`, without I/O. Messages come dropped, repeated and
 * in any order; what goes out is every position from the start on, in order, once.
 *
 * A message is held only while the one before it is missing, and only so many; what doesn't fit is forgotten and read
 * from the log later. The log is the truth: a message that speaks of a position the log doesn't have is forgotten too.
 */

export interface Sequenced {
  readonly position: number;
}

export interface SequencerState<E extends Sequenced> {
  /** everything below has gone out */
  readonly next: number;
  /** everything below has been handled: `settled` ≤ `next` */
  readonly settled: number;
  /** one past the highest position heard of: `next` ≤ `head` */
  readonly head: number;
  /** events past a gap, by position: all in (`next`, `head`) */
  readonly early: ReadonlyMap<number, E>;
  /** most events out and unsettled, or held early, at once */
  readonly capacity: number;
}

/** - `repeat` it went out before · `hold` one before it is missing · `overflow` there was no room, it is forgotten */
export type Verdict = 'deliver' | 'hold' | 'repeat' | 'overflow';

export interface Step<E extends Sequenced> {
  readonly state: SequencerState<E>;
  readonly verdict: Verdict;
  /** go out now, in this order */
  readonly deliver: readonly E[];
}

/** A piece of the log that should be read, and what was known when that was found. */
export interface Need {
  readonly from: number;
  readonly limit: number;
  readonly head: number;
}

/** @param start the first position that hasn't been handled */
export function startSequence<E extends Sequenced>(start: number, capacity: number): SequencerState<E> {
  if (!Number.isSafeInteger(start) || start < 0) throw new Error(`not a position: ${start}`);
  return { next: start, settled: start, head: start, early: new Map(), capacity };
}

/** A message came. */
export function onMessage<E extends Sequenced>(state: SequencerState<E>, event: E): Step<E> {
  const { position } = event;
  if (position < state.next || state.early.has(position)) return { state, verdict: 'repeat', deliver: [] };
  const heard = { ...state, head: Math.max(state.head, position + 1) };
  if (position === state.next && outstanding(state) < state.capacity) return release(heard, [event]);
  if (position > state.next && outstanding(state) + state.early.size < state.capacity) {
    return { state: { ...heard, early: new Map(state.early).set(position, event) }, verdict: 'hold', deliver: [] };
  }
  return { state: { ...heard, early: new Map() }, verdict: 'overflow', deliver: [] };
}

/** Something else told that the log reaches up to `head`. */
export function onHead<E extends Sequenced>(state: SequencerState<E>, head: number): SequencerState<E> {
  return head > state.head ? { ...state, head } : state;
}

/** What must be read from the log before anything can go out; undefined where nothing is missing, or nothing fits. */
export function missing<E extends Sequenced>(state: SequencerState<E>, most: number): Need | undefined {
  return state.head > state.next ? readable(state, most) : undefined;
}

/** The next piece of the log, missing or not; undefined where nothing fits. */
export function readable<E extends Sequenced>(state: SequencerState<E>, most: number): Need | undefined {
  const limit = Math.min(most, state.capacity - outstanding(state));
  return limit > 0 ? { from: state.next, limit, head: state.head } : undefined;
}

/**
 * The log was read as `need` says and answered `events`. Throws where they aren't the positions from `need.from` on:
 * then the log has a gap (I5) or the reader is wrong, and nothing may go out.
 */
export function onRead<E extends Sequenced>(state: SequencerState<E>, need: Need, events: readonly E[]): Step<E> {
  if (need.from > state.next) throw new Error(`a reading from ${need.from} can't follow on ${state.next}`);
  events.forEach((event, index) => {
    if (event.position !== need.from + index) {
      throw new Error(
        `reading the log from ${need.from} gave position ${event.position} where ${need.from + index} belongs (I5)`,
      );
    }
  });
  if (events.length > need.limit) throw new Error(`reading ${need.limit} events gave ${events.length}`);

  const end = need.from + events.length;
  const fresh = events.slice(Math.max(0, state.next - need.from));
  const step = release({ ...state, head: Math.max(state.head, end) }, fresh);
  return events.length < need.limit ? { ...step, state: forgetUnfounded(step.state, need, end) } : step;
}

/** Everything below `position` has been handled. */
export function onSettled<E extends Sequenced>(state: SequencerState<E>, position: number): SequencerState<E> {
  if (position < state.settled || position > state.next) {
    throw new Error(`settled ${position}, which is not within ${state.settled} and ${state.next}`);
  }
  return { ...state, settled: position };
}

/** Events that are out and not settled. */
function outstanding<E extends Sequenced>(state: SequencerState<E>): number {
  return state.next - state.settled;
}

/** Sends out `events`, which begin at `next`, and what was held right behind them. */
function release<E extends Sequenced>(state: SequencerState<E>, events: readonly E[]): Step<E> {
  if (events.length === 0) return { state, verdict: 'repeat', deliver: [] };
  const deliver = [...events];
  let next = state.next + events.length;
  if (state.early.size === 0) return { state: { ...state, next }, verdict: 'deliver', deliver };
  const early = new Map(state.early);
  for (let position = state.next; position < next; position += 1) early.delete(position);
  for (
    let event = early.get(next);
    event !== undefined && next - state.settled < state.capacity;
    event = early.get(next)
  ) {
    early.delete(next);
    deliver.push(event);
    next += 1;
  }
  // A reading may leave less room than is held; what is held is only a saving.
  const fits = next - state.settled + early.size <= state.capacity;
  return { state: { ...state, next, early: fits ? early : new Map() }, verdict: 'deliver', deliver };
}

/**
 * The log ended at `end` when it was read. What had been said before that reading of positions beyond `end` was wrong,
 * or the reader is behind; either way it is forgotten, so that it costs one reading and not one after another. What
 * was heard since may be true.
 */
function forgetUnfounded<E extends Sequenced>(state: SequencerState<E>, need: Need, end: number): SequencerState<E> {
  if (need.head <= end || state.head > need.head) return state;
  return { ...state, head: state.next, early: new Map() };
}
