import { LIMITS } from '@bailiwick/core/limits';
import { evolve } from '../events/evolve';
import { fromSnapshot, toSnapshot } from './snapshot';
import { act, openTestRun, TestLog } from '../testing/harness';

const { endedKeptMs } = LIMITS;
const SECOND = 1_000;

/**
 * I2: a tree is forgotten after it has ended, and no other tree is. The hard cases are in
 * test/properties/forgetting.spec.ts.
 */
describe('a tree that has ended', () => {
  const log = (): TestLog => new TestLog();
  /** Advances the clock and appends an event to another tree. */
  const pass = (on: TestLog, ms: number): void => {
    on.now += ms;
    openTestRun(on);
  };
  const end = (on: TestLog, runId: string): unknown => on.do('completeRun', { runId });

  it('is kept for ten minutes and then forgotten with everything in it', () => {
    const on = log();
    const { runId, grantId, treeId } = openTestRun(on);
    end(on, runId);
    pass(on, endedKeptMs - 1);
    expect(on.state.runs.get(runId)?.status).toBe('completed');
    pass(on, SECOND);
    expect([on.state.runs.has(runId), on.state.grants.has(grantId), on.state.trees.has(treeId)]).toEqual([
      false,
      false,
      false,
    ]);
    expect(() => act(on, grantId, 'file.read')).toThrow('NOT_FOUND');
  });

  it('is kept for ten more minutes after each attempt to act in it', () => {
    const on = log();
    const { runId, grantId } = openTestRun(on);
    end(on, runId);
    for (let i = 0; i < 3; i++) {
      pass(on, endedKeptMs - SECOND);
      expect(act(on, grantId, 'file.read').type).toBe('ActionDenied');
    }
    pass(on, endedKeptMs + SECOND);
    expect(on.state.runs.has(runId)).toBe(false);
  });

  it('is kept until every permit in it has an outcome', () => {
    const on = log();
    const { runId, grantId } = openTestRun(on);
    const permit = act(on, grantId, 'file.read');
    end(on, runId);
    pass(on, endedKeptMs - 1); // no tick yet: the permit is not abandoned
    pass(on, endedKeptMs);
    expect(on.state.runs.has(runId)).toBe(true);
    on.do('settle', { actionId: permit.actionId as string, outcome: { status: 'completed' } });
    pass(on, endedKeptMs - 1);
    expect(on.state.runs.has(runId)).toBe(true);
    pass(on, SECOND);
    expect(on.state.runs.has(runId)).toBe(false);
  });

  it('is forgotten at the same time by a fold that continued from a snapshot, whatever the order of the trees', () => {
    const on = log();
    const [first, second] = [openTestRun(on), openTestRun(on)];
    end(on, second.runId);
    on.now += endedKeptMs / 2;
    end(on, first.runId);
    const restored = fromSnapshot(toSnapshot(on.state));
    pass(on, endedKeptMs / 2 + SECOND);
    for (const event of on.events.slice(restored.next)) evolve(restored, event);
    expect([...restored.runs.keys()]).toEqual([...on.state.runs.keys()]);
    expect(restored.runs.has(second.runId)).toBe(false);
    expect(restored.runs.has(first.runId)).toBe(true);
  });

  it('leaves nothing behind: the state holds live trees and those that ended in the last ten minutes', () => {
    const on = log();
    const live = openTestRun(on);
    const most: number[] = [];
    for (let i = 0; i < 4_000; i++) {
      on.now += SECOND;
      const { runId } = openTestRun(on);
      end(on, runId);
      most.push(on.state.runs.size);
    }
    const kept = endedKeptMs / SECOND + 2;
    expect(Math.max(...most)).toBeLessThanOrEqual(kept);
    expect(on.state.runs.has(live.runId)).toBe(true);
    expect([on.state.trees.size, on.state.grants.size]).toEqual([on.state.runs.size, on.state.runs.size]);
    expect(on.state.order.length).toBeLessThanOrEqual((kept * 8) / 7 + 1);
    expect(on.state.deadlines.size).toBeLessThanOrEqual(kept * 2);
  });
});
