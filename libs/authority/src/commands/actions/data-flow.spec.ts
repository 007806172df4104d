import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { ValueMarks } from '@bailiwick/contracts/actions/value-marks';
import type { PolicyRule } from '@bailiwick/contracts/policy/rule';
import { evolve } from '../../events/evolve';
import { stateDigest } from '../../state/digest';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { emptyState, type LogState } from '../../state/state';
import { act, delegateTestRun, only, openTestRun, ROOMY, TestLog } from '../../testing/harness';
import { deploy } from '../../testing/policies';

const [FIRST, SECOND, OTHER] = ['AAAAAAAA', 'BBBBBBBB', 'CCCCCCCC'] as const;
const RULE: PolicyRule = {
  name: 'private-sent',
  on: { effects: ['external'] },
  when: { data_from: { labels: ['private'] } },
  outcome: 'deny',
  says: 'what was private would leave',
  examples: { fires: [[{}]], silent: [[{}]] },
};

let log: TestLog;
let root: { runId: string; treeId: string; grantId: string };
beforeEach(() => {
  log = new TestLog(judgeTrajectory);
  deploy(log, { rules: [RULE] });
  root = openTestRun(log);
});

const marked = (marks: ValueMarks | undefined) => (marks === undefined ? {} : { marks: marks as string[] });
const read = (grantId: string, returns?: ValueMarks): string => {
  const { actionId = '' } = act(log, grantId, 'file.read', { labels: ['private'], marks: [] });
  log.do('settle', { actionId, outcome: { status: 'completed' }, ...marked(returns) });
  return actionId;
};
const send = (grantId: string, marks?: ValueMarks, more: object = {}) =>
  act(log, grantId, 'http.post', { action: { verb: 'http.post', effect: 'external' }, ...marked(marks), ...more });

describe('a rule about the flow of data', () => {
  it('denies what a child sends of what its parent read, and nothing else that it sends', () => {
    const child = delegateTestRun(log, root.grantId);
    read(root.grantId, [FIRST, SECOND]);
    expect(send(child.grantId, [OTHER]).type).toBe('ActionPermitted');
    const denied = send(child.grantId, [OTHER, SECOND]);
    expect(denied).toMatchObject({
      type: 'ActionDenied',
      data: { marks: [OTHER, SECOND], reasons: [{ code: 'POLICY_RULE', path: 'rules.private-sent', outcome: 'deny' }] },
    });
    expect(send(openTestRun(log).grantId, [SECOND]).type).toBe('ActionPermitted');
  });

  it('denies what is sent without a statement of its values after a source, as if its values flowed', () => {
    expect(send(root.grantId).type).toBe('ActionPermitted');
    read(root.grantId, [FIRST]);
    expect(send(root.grantId).type).toBe('ActionDenied');
    expect(send(root.grantId, 'unavailable').type).toBe('ActionDenied');
  });

  it('denies every send after a source whose outcome has no values, has not come, or was given up', () => {
    read(root.grantId);
    expect(send(root.grantId, [OTHER]).type).toBe('ActionDenied');
    const open = openTestRun(log);
    act(log, open.grantId, 'file.read', { labels: ['private'], marks: [] });
    expect(send(open.grantId, [OTHER]).type).toBe('ActionDenied');
    log.now += 3_600_000 / 2;
    log.tickAll();
    expect(send(open.grantId, [OTHER]).type).toBe('ActionDenied');
  });

  it('does not let a run vouch for what it sends itself, and believes it where that is stricter', () => {
    const own = { actor: { kind: 'run' as const, id: root.runId }, proof: { vouched: false as const } };
    read(root.grantId, [FIRST]);
    expect(send(root.grantId, [OTHER], own).type).toBe('ActionDenied');
    expect(send(root.grantId, [OTHER]).type).toBe('ActionPermitted');
    const { actionId = '' } = act(log, root.grantId, 'file.read', { labels: ['private'], marks: [] });
    log.do('settle', { actionId, outcome: { status: 'completed' }, marks: [SECOND], actor: own.actor });
    expect(send(root.grantId, [SECOND]).type).toBe('ActionDenied');
    expect(send(root.grantId, [OTHER]).type).toBe('ActionDenied');
  });

  it('cannot compare what a service sends for a task, whose values have the marks of another tree', () => {
    const service = openTestRun(log, ROOMY, 'mailer');
    const call = act(log, root.grantId, 'agent.call', { resource: { type: 'agent', id: 'mailer' }, marks: [] });
    const onBehalfOf = { actionId: call.actionId as string };
    read(root.grantId, [FIRST]);
    expect(send(service.grantId, [OTHER]).type).toBe('ActionPermitted');
    expect(send(service.grantId, [OTHER], { onBehalfOf }).type).toBe('ActionDenied');
  });

  it('keeps what it needs in the digest of the state and in snapshots, and folds it from the log alone', () => {
    read(root.grantId, [FIRST, SECOND]);
    const restored = fromSnapshot(toSnapshot(log.state));
    const folded = emptyState('default/0', 'default', 0);
    for (const event of log.events) evolve(folded, event);
    for (const event of [send(root.grantId, [SECOND]), send(root.grantId, [OTHER])])
      for (const state of [restored, folded]) evolve(state, event);
    expect([stateDigest(restored), stateDigest(folded)]).toEqual([stateDigest(log.state), stateDigest(log.state)]);
    const treeIn = (state: LogState) =>
      JSON.stringify(
        [...(state.trees.get(root.treeId)?.kept?.states.values() ?? [])].map((each) => [
          ...(each as { values: Map<string, number> }).values.keys(),
        ]),
      );
    expect(treeIn(restored)).toBe(JSON.stringify([[FIRST, SECOND]]));
  });

  it('records no marks of a call under a lease that has ended', () => {
    log.do('revokeGrant', { grantId: root.grantId });
    expect(only([send(root.grantId, [FIRST])], 'ActionDenied').data).not.toHaveProperty('marks');
  });
});
