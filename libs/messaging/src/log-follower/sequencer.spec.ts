import fc from 'fast-check';
import * as rules from './sequencer';
import type { Sequenced, SequencerState } from './sequencer';

fc.configureGlobal({ seed: 20260120 });

type Rules = typeof rules;

const event = (position: number): Sequenced => ({ position });
const events = (from: number, end: number): Sequenced[] =>
  Array.from({ length: Math.max(0, end - from) }, (_, index) => event(from + index));

/** Actions of a network, a slow consumer and a crashing process on one follower. */
const does = (weight: number, kind: 'repeat' | 'hear' | 'forge' | 'start' | 'end' | 'handle' | 'crash') => ({
  weight,
  arbitrary: fc.record({ kind: fc.constant(kind), at: fc.nat(1_000_000) }),
});
const commits = {
  weight: 4,
  arbitrary: fc.record({
    kind: fc.constant('commit' as const),
    count: fc.integer({ min: 1, max: 20 }),
    lost: fc.boolean(),
  }),
};
const act = fc.oneof(
  commits,
  does(5, 'hear'),
  does(3, 'repeat'),
  does(1, 'forge'),
  does(4, 'start'),
  does(4, 'end'),
  does(4, 'handle'),
  does(1, 'crash'),
);
type Act = typeof act extends fc.Arbitrary<infer A> ? A : never;

/** A follower as `followLog` drives it, with the log that it reads and the notifications in transit. */
class Play {
  readonly handled: number[] = [];
  committed = 20;
  private stored = 0;
  private state: SequencerState = rules.startSequence(0);
  private readonly announced: number[] = [];
  private underway: number[] = [];
  private reading: Sequenced[] | undefined;
  private batch: Sequenced[] | undefined;

  constructor(
    private readonly sequencer: Rules,
    private readonly limit: number,
    private readonly loses: boolean,
  ) {}

  act(step: Act): void {
    if (step.kind === 'commit') return this.commit(step.count, step.lost);
    if (step.kind === 'hear') this.hear(this.underway.splice(step.at % (this.underway.length || 1), 1)[0]);
    else if (step.kind === 'repeat') this.hear(this.announced[step.at % (this.announced.length || 1)]);
    else if (step.kind === 'forge') this.hear(this.committed + 1 + step.at);
    else if (step.kind === 'start') this.begin();
    else if (step.kind === 'end') this.end();
    else if (step.kind === 'handle') this.handle();
    else this.crash();
    const { next, head, heard } = this.state;
    if (next > head || heard > head) throw new Error('next ≤ head, heard ≤ head does not hold');
  }

  /** Delivers all notifications, and lets the follower do all that it wants to. */
  finish(): void {
    for (const head of this.underway) this.hear(head);
    if (this.loses) this.state = this.sequencer.onGap(this.state);
    for (let turns = 0; ; turns += 1) {
      this.end();
      this.handle();
      if (!this.sequencer.wantsReading(this.state)) return;
      if (turns > 200) throw new Error('it reads indefinitely');
      this.begin();
    }
  }

  private commit(count: number, lost: boolean): void {
    this.committed += count;
    this.announced.push(this.committed);
    if (!(this.loses && lost)) this.underway.push(this.committed);
  }

  private hear(head: number | undefined): void {
    if (head !== undefined) this.state = this.sequencer.onHead(this.state, head);
  }

  private begin(): void {
    if (this.reading || this.batch || !this.sequencer.wantsReading(this.state)) return;
    this.state = this.sequencer.onReading(this.state);
    const { next } = this.state;
    this.reading = events(next, Math.min(this.committed, next + this.limit));
  }

  private end(): void {
    if (!this.reading) return;
    this.state = this.sequencer.onRead(this.state, this.limit, this.reading);
    if (this.reading.length > 0) this.batch = this.reading;
    this.reading = undefined;
  }

  private handle(): void {
    if (!this.batch) return;
    this.handled.push(...this.batch.map(({ position }) => position));
    this.stored += this.batch.length;
    this.batch = undefined;
    this.state = this.sequencer.onSettled(this.state, this.stored);
  }

  private crash(): void {
    this.state = rules.startSequence(this.stored);
    this.reading = undefined;
    this.batch = undefined;
  }
}

const exact = (sequencer: Rules, loses: boolean) =>
  fc.property(fc.array(act, { maxLength: 80 }), fc.integer({ min: 1, max: 25 }), (acts, limit) => {
    const play = new Play(sequencer, limit, loses);
    for (const step of acts) play.act(step);
    play.finish();
    expect(play.handled).toEqual(events(0, play.committed).map(({ position }) => position));
  });

describe('the sequencer', () => {
  it('passes every position once, in order, despite lost, repeated, late and forged notifications and crashes', () => {
    fc.assert(exact(rules, true), { numRuns: 1_000 });
  });

  it('needs no poll if no notification is lost', () => {
    fc.assert(exact(rules, false), { numRuns: 1_000 });
  });

  const broken: Record<string, Rules> = {
    'trusts indefinitely in positions that the log does not have': {
      ...rules,
      onRead: (state, limit, read) => ({ ...rules.onRead(state, limit, read), head: state.head }),
    },
    'forgets notifications that arrived during a read': {
      ...rules,
      onRead: (state, limit, read) => rules.onRead({ ...state, heard: 0 }, limit, read),
    },
    'takes a full read for the end of the log': {
      ...rules,
      onRead: (state, limit, read) => ({ ...rules.onRead(state, limit, read), pollDue: false }),
    },
    'takes a short read for a full one': {
      ...rules,
      onSettled: (state) => rules.onSettled(state, state.head),
    },
    'ignores that notifications may have been lost': { ...rules, onGap: (state) => state },
    'polls indefinitely': { ...rules, onReading: (state) => ({ ...rules.onReading(state), pollDue: state.pollDue }) },
    'does not poll at its start': { ...rules, wantsReading: ({ head, next }) => head > next },
    'ignores notifications': { ...rules, onHead: (state) => state },
  };
  it.each(Object.keys(broken))('would fail these properties if it %s', (name) => {
    const caught = [true, false].map(
      (loses) => fc.check(exact(broken[name] as Rules, loses), { numRuns: 2_000, endOnFailure: true }).failed,
    );
    expect(caught).toContain(true);
  });

  it('reads once, not indefinitely, after a notification of positions that do not exist', () => {
    let state = rules.onHead(rules.startSequence(5), 1_000_000);
    state = rules.onRead(rules.onReading(state), 100, [event(5)]);
    state = rules.onSettled(state, 6);
    expect(state).toMatchObject({ next: 6, head: 6 });
    expect(rules.wantsReading(state)).toBe(false);
  });

  it('reads again for a notification during a read, even if an earlier one named a higher position', () => {
    let state = rules.onReading(rules.onHead(rules.startSequence(0), 1_000_000));
    state = rules.onHead(state, 3);
    state = rules.onRead(state, 100, []);
    expect(state).toMatchObject({ next: 0, head: 3 });
    expect(rules.wantsReading(state)).toBe(true);
  });

  it('ignores a head that is not a position', () => {
    const state = rules.startSequence(3);
    for (const head of [-1, 0.5, NaN, Infinity, 2 ** 53]) expect(rules.onHead(state, head)).toBe(state);
  });

  it('refuses a read with a gap, a shift, or too many events (I5), and settling events never read', () => {
    const state = rules.onReading(rules.startSequence(3));
    expect(() => rules.onRead(state, 2, [event(3), event(5)])).toThrow('returned position 5 instead of 4 (I5)');
    expect(() => rules.onRead(state, 2, [event(4)])).toThrow('returned position 4 instead of 3 (I5)');
    expect(() => rules.onRead(state, 2, [event(3), event(4), event(5)])).toThrow('a read of 2 events returned 3');
    expect(() => rules.onSettled(state, 4)).toThrow('settled 4');
    expect(() => rules.onSettled(state, 2)).toThrow('settled 2');
    expect(() => rules.startSequence(-1)).toThrow('not a position');
  });
});
