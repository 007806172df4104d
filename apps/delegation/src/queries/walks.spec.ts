import { previewInPieces } from '@bailiwick/authority/revocation/blast-radius';
import { openTestRun, TestLog } from '@bailiwick/authority/testing/harness';
import type { GrantNode, LogState } from '@bailiwick/authority/state/state';
import { LIMITS } from '@bailiwick/core/limits';
import { QueueFullError } from '@bailiwick/platform/serial-queue';
import { WalkLost, Walks } from './walks';

/** A log of so many live grants of one class: copies of one that was issued. */
function crowded(size: number): TestLog {
  const log = new TestLog();
  const { grantId, runId } = openTestRun(log, undefined, 'qbot');
  const [grant, run] = [log.state.grants.get(grantId), log.state.runs.get(runId)];
  if (!grant || !run) throw new Error('nothing was issued');
  for (let i = 1; i < size; i++) {
    const own = { id: `${runId}_${i}`, grantId: `${grantId}_${i}` };
    log.state.runs.set(own.id, { ...run, ...own });
    const copy = { ...grant, id: own.grantId, runId: own.id };
    log.state.grants.set(copy.id, copy);
    log.state.order.push(copy);
  }
  return log;
}

/** Counts the grants that are looked at. */
function watched(state: LogState): { seen: () => number } {
  let looked = 0;
  const get = state.grants.get.bind(state.grants);
  Object.assign(state.grants, { get: (id: string): GrantNode | undefined => ((looked += 1), get(id)) });
  return { seen: () => looked };
}

const turns = (): { next: (piece: () => void) => void; waiting: (() => void)[] } => {
  const waiting: (() => void)[] = [];
  return { next: (piece) => void waiting.push(piece), waiting };
};

describe('a preview of 200,000 grants', () => {
  it('looks at no more than a stated number of grants between two turns of the loop, and counts them all', async () => {
    const log = crowded(200_000);
    // (all copies are at one position: the list is told apart by it)
    log.state.order.forEach((grant, i) => Object.assign(grant, { position: i + 1 }));
    Object.assign(log.state, { next: log.state.order.length + 1 });
    const { seen } = watched(log.state);
    const { next, waiting } = turns();
    const walks = new Walks(1, next);
    const pieces = previewInPieces(log.state, { selector: { agentClass: 'qbot' } }, log.now, LIMITS.walkUnits);
    const counted = walks.run(pieces, () => false);
    let most = 0;
    let count = 0;
    while (waiting.length > 0) {
      expect(waiting).toHaveLength(1);
      const before = seen();
      (waiting.shift() as () => void)();
      most = Math.max(most, seen() - before);
      count += 1;
    }
    expect((await counted).counts).toMatchObject({ grants: 200_000, runs: 200_000 });
    expect(most).toBeLessThanOrEqual(LIMITS.walkUnits + LIMITS.treeDepth + 1);
    expect(count).toBeGreaterThan(200);
  });

  it('is as of the position at which it began, whatever is issued or forgotten before it is over', () => {
    const log = new TestLog();
    for (let i = 0; i < 20; i++) openTestRun(log, undefined, 'qbot');
    const pieces = previewInPieces(log.state, { selector: { agentClass: 'qbot' } }, log.now, 2);
    const asOf = log.state.next;
    openTestRun(log, undefined, 'qbot'); // before the first piece is done
    pieces.next();
    openTestRun(log, undefined, 'qbot');
    const { order, grants } = log.state;
    const gone = order.slice(0, 5);
    gone.forEach(({ id }) => grants.delete(id));
    order.splice(0, 5); // as forgetting trees makes the list smaller
    let step = pieces.next();
    while (!step.done) step = pieces.next();
    expect(step.value).toMatchObject({ asOf, counts: { grants: 15 } });
  });
});

describe('walks of a process', () => {
  function* counting(name: string, told: string[], pieces: number): Generator<void, string> {
    for (let i = 0; i < pieces; i++) {
      told.push(name);
      yield;
    }
    return name;
  }

  it('take turns, one piece in a turn of the loop', async () => {
    const { next, waiting } = turns();
    const walks = new Walks(5, next);
    const told: string[] = [];
    const all = ['a', 'b'].map((name) => walks.run(counting(name, told, 3), () => false));
    while (waiting.length > 0) (waiting.shift() as () => void)();
    expect(told.join('')).toBe('ababab');
    expect(await Promise.all(all)).toEqual(['a', 'b']);
  });

  it('are refused beyond their maximum, end with a dropped state, and one that throws ends no other', async () => {
    const { next, waiting } = turns();
    const walks = new Walks(3, next);
    const told: string[] = [];
    let lost = false;
    const one = walks.run(counting('a', told, 2), () => lost);
    const bad = walks.run(
      (function* (): Generator<void, string> {
        throw new Error('broken');
      })(),
      () => false,
    );
    const fine = walks.run(counting('c', told, 2), () => false);
    await expect(walks.run(counting('d', told, 1), () => false)).rejects.toThrow(QueueFullError);
    const ends = Promise.all([
      expect(one).rejects.toThrow(WalkLost),
      expect(bad).rejects.toThrow('broken'),
      expect(fine).resolves.toBe('c'),
    ]);
    (waiting.shift() as () => void)();
    lost = true;
    while (waiting.length > 0) (waiting.shift() as () => void)();
    await ends;
  });
});
