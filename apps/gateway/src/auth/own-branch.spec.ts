import { grantView, runView } from '@bailiwick/authority/presentation/views';
import { delegateTestRun, openTestRun, TestLog } from '@bailiwick/authority/testing/harness';
import type { TreeView } from '@bailiwick/contracts/queries/query';
import { ownBranch } from './own-branch';

const log = new TestLog();
const pass = { delegation: { depth: 2, children: 5, classes: ['*'] } };
const root = openTestRun(log);
const mine = delegateTestRun(log, root.grantId, pass, 'mine');
const below = delegateTestRun(log, mine.grantId, {}, 'below');
const sibling = delegateTestRun(log, root.grantId, pass, 'sibling');
const cousin = delegateTestRun(log, sibling.grantId, {}, 'cousin');

const tree: TreeView = {
  id: root.treeId,
  log: 'default/0',
  position: log.state.next - 1,
  runs: [...log.state.runs.values()].map((run) =>
    runView(log.state, run, { purpose: `purpose of ${run.agent.class}`, requestedBy: 'ann' }, log.now),
  ),
  grants: [...log.state.grants.values()].map((grant) => grantView(log.state, grant, log.now)),
  labels: ['read:secret'],
};
const ids = (view: TreeView): string[] => view.runs.map(({ id }) => id);
const grantIds = (view: TreeView): string[] => view.grants.map(({ id }) => id);

describe('ownBranch', () => {
  it('returns the whole tree for the root', () => {
    expect(ownBranch(tree, root.runId)).toEqual(tree);
  });

  it('returns the branch of the run, and only ids and status of its ancestors', () => {
    const view = ownBranch(tree, mine.runId);
    expect(ids(view)).toEqual([mine.runId, below.runId]);
    expect(grantIds(view)).toEqual([mine.grantId, below.grantId]);
    expect(view.above).toEqual({
      runs: [{ id: root.runId, status: 'active' }],
      grants: [{ id: root.grantId, status: 'active' }],
    });
  });

  it('lists all ancestors, nearest first', () => {
    const view = ownBranch(tree, below.runId);
    expect(ids(view)).toEqual([below.runId]);
    expect(view.above?.runs.map(({ id }) => id)).toEqual([mine.runId, root.runId]);
  });

  it.each([mine, below])('omits siblings and cousins, and the texts, limits and labels of ancestors', (run) => {
    const text = JSON.stringify(ownBranch(tree, run.runId));
    for (const other of [sibling, cousin]) {
      expect(text).not.toContain(other.runId);
      expect(text).not.toContain(other.grantId);
    }
    for (const secret of ['purpose of sibling', 'purpose of cousin', 'purpose of worker', 'read:secret'])
      expect(text).not.toContain(secret);
  });

  it('does not depend on the order of the runs', () => {
    const reversed = { ...tree, runs: [...tree.runs].reverse() };
    expect(ids(ownBranch(reversed, mine.runId)).sort()).toEqual([mine.runId, below.runId].sort());
  });

  it('stops at an ancestor that is missing from the tree', () => {
    const cut = { ...tree, runs: tree.runs.filter(({ id }) => id !== root.runId) };
    expect(ownBranch(cut, below.runId).above?.runs.map(({ id }) => id)).toEqual([mine.runId]);
    expect(ids(ownBranch(cut, cousin.runId))).toEqual([cousin.runId]);
  });
});
