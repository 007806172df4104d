import fc from 'fast-check';
import * as rules from './sequencer';
import type { Need, Sequenced, SequencerState, Step } from './sequencer';

fc.configureGlobal({ seed: 20260120 });

type State = SequencerState<Sequenced>;
type Rules = Pick<typeof rules, 'onMessage' | 'onRead' | 'onSettled' | 'missing' | 'readable' | 'onHead'>;

/** What a hostile network, a slow consumer and a crashing process do to one follower. */
const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('message' as const), position: fc.nat(60) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('burst' as const),
      from: fc.nat(60),
      count: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('forged' as const), position: fc.integer({ min: 61, max: 1e9 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('begin-read' as const), most: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('end-read' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('handle' as const), count: fc.integer({ min: 1, max: 10 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('commit' as const), count: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

const event = (position: number): Sequenced => ({ position });

/** Plays the acts, then lets the network be kind, and returns every position in the order it was handled. */
function simulate(sequencer: Rules, acts: readonly Act[], capacity: number): { handled: number[]; committed: number } {
  let committed = 20; // how long the log is
  let stored = 0; // the consumer's position
  const handled: number[] = [];
  let state: State = rules.startSequence(0, capacity);
  let queue: Sequenced[] = [];
  let reading: { need: Need; events: Sequenced[] } | undefined;

  const apply = (step: Step<Sequenced>): void => {
    state = step.state;
    queue.push(...step.deliver);
    invariants(state, queue, capacity);
  };
  const message = (position: number): void => {
    if (position < committed) apply(sequencer.onMessage(state, event(position)));
  };
  const beginRead = (need: Need | undefined): void => {
    if (!need || reading) return;
    const length = Math.max(0, Math.min(need.limit, committed - need.from));
    reading = { need, events: Array.from({ length }, (_, index) => event(need.from + index)) };
  };
  const endRead = (): void => {
    if (reading) apply(sequencer.onRead(state, reading.need, reading.events));
    reading = undefined;
  };
  const handle = (count: number): void => {
    const batch = queue.splice(0, count);
    handled.push(...batch.map(({ position }) => position));
    stored += batch.length;
    if (batch.length > 0) state = sequencer.onSettled(state, stored);
  };

  for (const step of acts) {
    if (step.kind === 'message') message(step.position);
    else if (step.kind === 'burst') for (let n = 0; n < step.count; n += 1) message(step.from + n);
    else if (step.kind === 'forged') apply(sequencer.onMessage(state, event(step.position)));
    else if (step.kind === 'begin-read')
      beginRead(sequencer.missing(state, step.most) ?? sequencer.readable(state, step.most));
    else if (step.kind === 'end-read') endRead();
    else if (step.kind === 'handle') handle(step.count);
    else if (step.kind === 'commit') committed = Math.min(60, committed + step.count);
    else {
      state = rules.startSequence(stored, capacity);
      queue = [];
      reading = undefined;
    }
  }
  // What was forged goes out only if it is next in line, which the harness never makes it: it lies beyond the log.
  for (let turns = 0; turns < 500 && stored < committed; turns += 1) {
    endRead();
    handle(1_000);
    beginRead(sequencer.missing(state, 20) ?? sequencer.readable(state, 20));
  }
  return { handled, committed };
}

function invariants(state: State, queue: readonly Sequenced[], capacity: number): void {
  const { next, settled, head, early } = state;
  if (!(settled <= next && next <= head)) throw new Error('settled ≤ next ≤ head does not hold');
  if (next - settled + early.size > capacity) throw new Error('more is held than may be');
  if (next - settled !== queue.length) throw new Error('what is out is not what is queued');
  for (const position of early.keys()) if (position <= next || position >= head) throw new Error('held out of place');
}

const exact = (sequencer: Rules) =>
  fc.property(fc.array(act, { maxLength: 80 }), fc.integer({ min: 1, max: 25 }), (acts, capacity) => {
    const { handled, committed } = simulate(sequencer, acts, capacity);
    expect(handled).toEqual(Array.from({ length: committed }, (_, position) => position));
  });

describe('the sequencer', () => {
  it('hands on every position once, in order, whatever is lost, repeated, reordered, forged beyond the end, or crashes', () => {
    fc.assert(exact(rules), { numRuns: 3_000 });
  });

  const broken: Record<string, Rules> = {
    'lets repeats through': {
      ...rules,
      onMessage: (state, message) =>
        message.position < state.next
          ? { state, verdict: 'deliver', deliver: [message] }
          : rules.onMessage(state, message),
    },
    'jumps over a gap': {
      ...rules,
      onMessage: (state, message) =>
        message.position > state.next
          ? {
              state: { ...state, next: message.position + 1, head: Math.max(state.head, message.position + 1) },
              verdict: 'deliver',
              deliver: [message],
            }
          : rules.onMessage(state, message),
    },
    'hands on a reading whole, though part of it came by message meanwhile': {
      ...rules,
      onRead: (state, need, events) => {
        const step = rules.onRead(state, need, events);
        return {
          ...step,
          deliver: [...events, ...step.deliver.slice(Math.max(0, events.length - (state.next - need.from)))],
        };
      },
    },
    'holds without a bound': {
      ...rules,
      onMessage: (state, message) => {
        const step = rules.onMessage({ ...state, capacity: 1e9 }, message);
        return { ...step, state: { ...step.state, capacity: state.capacity } };
      },
    },
    'keeps what it held when a reading has passed it': {
      ...rules,
      onRead: (state, need, events) => {
        const step = rules.onRead(state, need, events);
        return { ...step, state: { ...step.state, early: state.early } };
      },
    },
    'takes a short reading for a whole one': {
      ...rules,
      onRead: (state, need, events) => {
        const step = rules.onRead(state, need, events);
        return {
          ...step,
          state: {
            ...step.state,
            next: Math.max(step.state.next, need.head),
            head: Math.max(step.state.head, need.head),
          },
        };
      },
    },
  };
  it.each(Object.keys(broken))('would be caught if it %s', (name) => {
    expect(fc.check(exact(broken[name] as Rules), { numRuns: 3_000 }).failed).toBe(true);
  });

  it('reads once, not for ever, after a message that speaks of what the log does not have', () => {
    let { state } = rules.onMessage(rules.startSequence<Sequenced>(5, 10), event(1_000_000));
    const need = rules.missing(state, 100) as Need;
    expect(need).toEqual({ from: 5, limit: 10, head: 1_000_001 });
    ({ state } = rules.onRead(state, need, [event(5)]));
    expect(state).toMatchObject({ next: 6, head: 6 });
    expect(state.early.size).toBe(0);
    expect(rules.missing(state, 100)).toBeUndefined();
  });

  it('keeps what it heard while the log was being read', () => {
    let state = rules.startSequence<Sequenced>(0, 10);
    const quiet = rules.readable(state, 100) as Need;
    ({ state } = rules.onMessage(state, event(1)));
    ({ state } = rules.onRead(state, quiet, []));
    expect([...state.early.keys()]).toEqual([1]);
    const step = rules.onMessage(state, event(0));
    expect(step.deliver.map(({ position }) => position)).toEqual([0, 1]);
  });

  it('drops what it held when there is no more room, and remembers that it must read', () => {
    let state = rules.startSequence<Sequenced>(0, 3);
    for (const position of [2, 3, 4]) ({ state } = rules.onMessage(state, event(position)));
    const step = rules.onMessage(state, event(5));
    expect(step.verdict).toBe('overflow');
    expect(step.state.early.size).toBe(0);
    expect(rules.missing(step.state, 100)).toEqual({ from: 0, limit: 3, head: 6 });
  });

  it('asks for nothing while nothing would fit', () => {
    let state = rules.startSequence<Sequenced>(0, 2);
    for (const position of [0, 1, 2]) ({ state } = rules.onMessage(state, event(position)));
    expect(state.next).toBe(2);
    expect(rules.missing(state, 100)).toBeUndefined();
    state = rules.onSettled(state, 1);
    expect(rules.missing(state, 100)).toEqual({ from: 2, limit: 1, head: 3 });
  });

  it('refuses a reading with a gap, a shift, or too much (I5), and a settling of what never went out', () => {
    const state = rules.startSequence<Sequenced>(3, 10);
    const need = rules.readable(state, 2) as Need;
    expect(() => rules.onRead(state, need, [event(3), event(5)])).toThrow('gave position 5 where 4 belongs (I5)');
    expect(() => rules.onRead(state, need, [event(4)])).toThrow('gave position 4 where 3 belongs (I5)');
    expect(() => rules.onRead(state, need, [event(3), event(4), event(5)])).toThrow('reading 2 events gave 3');
    expect(() => rules.onRead(state, { ...need, from: 4 }, [event(4)])).toThrow("can't follow");
    expect(() => rules.onSettled(state, 4)).toThrow('settled 4');
    expect(() => rules.onSettled(state, 2)).toThrow('settled 2');
    expect(() => rules.startSequence(-1, 1)).toThrow('not a position');
  });
});
