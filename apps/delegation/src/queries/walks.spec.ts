import { previewInPieces } from '@bailiwick/authority/revocation/blast-radius';
import { openTestRun, TestLog } from '@bailiwick/authority/testing/harness';
import type { GrantNode, LogState } from '@bailiwick/authority/state/state';
import { LIMITS } from '@bailiwick/core/limits';
import { QueueFullError } from '@bailiwick/platform/serial-queue';
import { WalkLost, Walks } from './walks';

/** A log with `size` live grants of one class: copies of an issued one. */
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

/** Counts the grants that are read. */
function watched(state: LogState): { seen: () => number } {
  let reads = 0;
  const get = state.grants.get.bind(state.grants);
  Object.assign(state.grants, { get: (id: string): GrantNode | undefined => ((reads += 1), get(id)) });
  return { seen: () => reads };
}

const turns = (): { next: (piece: () => void) => void; waiting: (() => void)[] } => {
  const waiting: (() => void)[] = [];
  return { next: (piece) => void waiting.push(piece), waiting };
};

describe('previewInPieces', () => {
  it('reads a bounded number of 200,000 grants in each turn of the event loop, and counts all', async () => {
    const log = crowded(200_000);
    // copies share a position, by which the list is ordered: give each a unique one
    log.state.order.forEach((grant, i) => Object.assign(grant, { position: i + 1 }));
    Object.assign(log.state, { next: log.state.order.length + 1 });
    const { seen } = watched(log.state);
    const { next, waiting } = turns();
    const walks = new Walks(1, next);
    const pieces = previewInPieces(log.state, { selector: { agentClass: 'qbot' } }, log.now, LIMITS.walkUnits);
    const counted = walks.run('t/0', pieces, () => false);
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

  it('counts as of the position at its start, whatever is issued or dropped before its end', () => {
    const log = new TestLog();
    for (let i = 0; i < 20; i++) openTestRun(log, undefined, 'qbot');
    const pieces = previewInPieces(log.state, { selector: { agentClass: 'qbot' } }, log.now, 2);
    const asOf = log.state.next;
    openTestRun(log, undefined, 'qbot'); // before the first piece
    pieces.next();
    openTestRun(log, undefined, 'qbot');
    const { order, grants } = log.state;
    const gone = order.slice(0, 5);
    gone.forEach(({ id }) => grants.delete(id));
    order.splice(0, 5); // as dropping trees shortens the list
    let step = pieces.next();
    while (!step.done) step = pieces.next();
    expect(step.value).toMatchObject({ asOf, counts: { grants: 15 } });
  });
});

describe('Walks', () => {
  function* counting(name: string, turnsTaken: string[], pieces: number): Generator<void, string> {
    for (let i = 0; i < pieces; i++) {
      turnsTaken.push(name);
      yield;
    }
    return name;
  }

  it('alternate, with one piece per turn of the event loop', async () => {
    const { next, waiting } = turns();
    const walks = new Walks(5, next);
    const turnsTaken: string[] = [];
    const all = ['a', 'b'].map((name) => walks.run('t/0', counting(name, turnsTaken, 3), () => false));
    while (waiting.length > 0) (waiting.shift() as () => void)();
    expect(turnsTaken.join('')).toBe('ababab');
    expect(await Promise.all(all)).toEqual(['a', 'b']);
  });

  it('leaves room to other logs, however many walks one log has', async () => {
    const { next, waiting } = turns();
    const walks = new Walks(4, next, 2);
    const run = (log: string): Promise<string> => walks.run(log, counting(log, [], 1), () => false);
    const own = [run('a/0'), run('a/0')];
    await expect(run('a/0')).rejects.toThrow(QueueFullError);
    const other = run('b/0');
    while (waiting.length > 0) (waiting.shift() as () => void)();
    expect(await Promise.all([...own, other])).toEqual(['a/0', 'a/0', 'b/0']);
    await expect(Promise.race([run('a/0'), Promise.resolve('accepted')])).resolves.toBe('accepted');
  });

  it('refuses walks over the maximum, ends those of a dropped state, and isolates errors', async () => {
    const { next, waiting } = turns();
    const walks = new Walks(3, next);
    const turnsTaken: string[] = [];
    let lost = false;
    const one = walks.run('t/0', counting('a', turnsTaken, 2), () => lost);
    const bad = walks.run(
      't/0',
      (function* (): Generator<void, string> {
        throw new Error('broken');
      })(),
      () => false,
    );
    const fine = walks.run('t/0', counting('c', turnsTaken, 2), () => false);
    await expect(walks.run('t/0', counting('d', turnsTaken, 1), () => false)).rejects.toThrow(QueueFullError);
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
