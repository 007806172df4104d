import { DRIFT_LIMITS } from './drift-limits';
import { isReportable } from './report';
import { callOf, TestTree, webGet } from './testing/tree';

const runOf = (tree: TestTree, runId = 'run') => {
  const run = tree.history.runs.get(runId);
  if (!run) throw new Error(`no run ${runId}`);
  return run;
};

describe('the history of a tree', () => {
  it('is bounded for any observations', () => {
    const tree = new TestTree().open('run', { purpose: 'read' });
    for (let i = 0; i < DRIFT_LIMITS.resourcesPerRun + 50; i++)
      tree.do('run', webGet(`page-${i}.example`), `x${i} `.repeat(40));
    const { history } = tree;
    expect(history.results.length).toBe(DRIFT_LIMITS.resultsPerTree);
    expect(history.results.at(-1)?.text).toContain(`x${DRIFT_LIMITS.resourcesPerRun + 49}`);
    expect(runOf(tree).resources.size).toBe(DRIFT_LIMITS.resourcesPerRun);
    expect(runOf(tree).calls.size).toBe(DRIFT_LIMITS.callsPerRun);
    tree.do('run', webGet('long.example'), 'a '.repeat(DRIFT_LIMITS.resultChars));
    expect(tree.history.results.at(-1)?.text.length).toBeLessThanOrEqual(DRIFT_LIMITS.resultChars);
  });

  it('contains no more runs than its limit; further runs have no score', () => {
    const tree = new TestTree();
    for (let i = 0; i <= DRIFT_LIMITS.runsPerTree; i++) tree.open(`run_${i}`, {});
    expect(tree.history.runs.size).toBe(DRIFT_LIMITS.runsPerTree);
    expect(tree.history.runs.has(`run_${DRIFT_LIMITS.runsPerTree}`)).toBe(false);
  });

  it('bounds the calls that wait for their result', () => {
    const tree = new TestTree().open('run', { purpose: 'x' });
    for (let i = 0; i < DRIFT_LIMITS.pendingPerTree + 10; i++) {
      tree.see({ type: 'called', runId: 'run', actionId: `a${i}`, call: callOf({}), permitted: true, score: 0 });
    }
    expect(tree.history.pending.size).toBe(DRIFT_LIMITS.pendingPerTree);
  });

  it('is not changed by observations of another tree', () => {
    const tree = new TestTree().open('run', { purpose: 'read' });
    const copy = structuredClone(tree.history);
    const other = new TestTree().open('run', { purpose: 'read' });
    other.do('run', webGet('page.example'), 'text');
    other.open('child', { parentRunId: 'run', task: 'write' }).do('child', webGet('page.example'), 'text');
    expect(tree.history).toEqual(copy);
  });

  it('keeps a child separate from its parent, although it starts with the delegated sources of the parent', () => {
    const tree = new TestTree()
      .open('parent', { purpose: 'read', delegatedSources: ['the notes'] })
      .open('child', { task: 'read', parentRunId: 'parent' });
    const copy = structuredClone(runOf(tree, 'parent'));
    tree.do('child', webGet('page.example'), 'text');
    expect(runOf(tree, 'parent')).toEqual(copy);
  });

  it('takes a result once, and none of an action that was not permitted', () => {
    const tree = new TestTree().open('run', { purpose: 'read' });
    tree.see({ type: 'called', runId: 'run', actionId: 'a', call: callOf({}), permitted: false, score: 0 });
    tree.see({ type: 'returned', actionId: 'a', text: 'text', labels: [] });
    expect(tree.history.results).toEqual([]);
    tree.see({ type: 'called', runId: 'run', actionId: 'b', call: callOf({}), permitted: true, score: 0 });
    for (let i = 0; i < 2; i++) tree.see({ type: 'returned', actionId: 'b', text: 'text', labels: [] });
    expect(tree.history.results).toHaveLength(1);
  });

  it('forgets an ended run, and still records the results of its last calls', () => {
    const tree = new TestTree()
      .open('parent', { purpose: 'read' })
      .open('child', { task: 'read', parentRunId: 'parent' });
    tree.see({ type: 'called', runId: 'child', actionId: 'a', call: callOf({}), permitted: true, score: 0 });
    tree.see({ type: 'ended', runId: 'child' }).see({ type: 'returned', actionId: 'a', text: 'late', labels: [] });
    expect(tree.history.runs.has('child')).toBe(false);
    expect(tree.history.results).toHaveLength(1);
  });

  it('forgets scores, breadth and repetition once a person has resumed the run', () => {
    const tree = new TestTree().open('run', { purpose: 'count the sheep' });
    for (let i = 0; i < 60; i++) tree.do('run', webGet(`page-${i}.example`));
    expect(runOf(tree).peak).toBeGreaterThan(0.5);
    tree.see({ type: 'scored', runId: 'run', score: 0.6 }).see({ type: 'resumed', runId: 'run' });
    expect(runOf(tree)).toMatchObject({ peak: 0, reported: undefined });
    expect(tree.do('run', webGet('again.example')).score).toBeLessThan(0.2);
  });
});

describe('isReportable', () => {
  const reports = (reported: number | undefined, drift: number, thresholds = [0.6, 0.85]) =>
    isReportable({ ...runOf(new TestTree().open('run', {})), reported, thresholds }, drift);

  it('reports a first score, a rise by a step, and a crossed threshold', () => {
    expect(reports(undefined, 0)).toBe(true);
    expect(reports(0.2, 0.24)).toBe(false);
    expect(reports(0.2, 0.25)).toBe(true);
    expect(reports(0.58, 0.61)).toBe(true);
    expect(reports(0.61, 0.63)).toBe(false);
    expect(reports(0.84, 0.86)).toBe(true);
  });

  it('never lowers a reported score: the monitor only tightens', () => {
    for (const drift of [0, 0.1, 0.5]) expect(reports(0.5, drift)).toBe(false);
  });

  it('bounds the number of events, however slowly a drift rises', () => {
    let reported: number | undefined;
    let events = 0;
    for (let drift = 0; drift <= 1; drift += 0.001) {
      if (!reports(reported, drift)) continue;
      events += 1;
      reported = drift;
    }
    expect(events).toBeLessThanOrEqual(23);
  });
});
