import { DIGEST_LINES, digestOfLive, stateDigest } from './digest';
import { fromSnapshot, linesOf, toSnapshot } from './snapshot';
import type { LogState } from './state';
import { openTestRun, TestLog } from '../testing/harness';

describe('digestOfLive', () => {
  /** A log whose state takes more than one step. */
  const large = (): TestLog => {
    const log = new TestLog();
    while ([...linesOf(log.state)].length <= DIGEST_LINES) for (let runs = 0; runs < 100; runs++) openTestRun(log);
    return log;
  };
  /** Reads a state, and changes it after each of the first `changes` steps. */
  const changing =
    (log: TestLog, changes: number) =>
    <T>(step: (live: LogState) => T): Promise<T> => {
      const made = step(log.state);
      if (changes-- > 0) openTestRun(log);
      return Promise.resolve(made);
    };

  it('returns the digest and the position of a state that takes several steps', async () => {
    const { state } = large();
    let steps = 0;
    const made = await digestOfLive((step) => {
      steps += 1;
      return Promise.resolve(step(state));
    });
    expect(made).toEqual({ position: state.next, digest: stateDigest(state) });
    expect(steps).toBeGreaterThan(1);
  });

  it('starts again after a change between two steps', async () => {
    const log = large();
    const before = log.state.next;
    const made = await digestOfLive(changing(log, 1));
    expect(made).toEqual({ position: log.state.next, digest: stateDigest(log.state) });
    expect(log.state.next).toBeGreaterThan(before);
  });

  it('returns undefined if the state changes during every attempt', async () => {
    expect(await digestOfLive(changing(large(), Infinity))).toBeUndefined();
  });

  it('starts again if another state of the same position replaces the first', async () => {
    const { state } = large();
    const states = [state, fromSnapshot(toSnapshot(state))];
    let attempts = 0;
    const made = await digestOfLive((step) => {
      const result = step(states.shift() ?? state) as ReturnType<typeof step> & object;
      if ('steps' in (result ?? {})) attempts += 1;
      return Promise.resolve(result);
    });
    expect(made).toEqual({ position: state.next, digest: stateDigest(state) });
    expect(attempts).toBe(2);
  });

  it('returns undefined if the state is larger than the permitted number of steps', async () => {
    expect(await digestOfLive(changing(large(), 0), { maxSteps: 1 })).toBeUndefined();
  });

  it('returns undefined once the caller has stopped waiting', async () => {
    const log = large();
    let left = 2;
    expect(await digestOfLive(changing(log, 0), { isLate: () => left-- <= 0 })).toBeUndefined();
    expect(await digestOfLive(changing(log, 0), { isLate: () => false })).toBeDefined();
  });
});
