import { act, delegateTestRun, openTestRun, ROOMY, TestLog } from '@bailiwick/authority/testing/harness';
import { CollectedRuns } from './collect-runs';
import { deriveLease } from './derive-lease';
import { grantOf } from './derived-lease';
import { unusedOf } from './unused';

function collected({ events }: TestLog): CollectedRuns {
  const runs = new CollectedRuns();
  for (const event of events) runs.take(event, event.type === 'RunOpened' ? { purpose: 'tidy up' } : null);
  return runs;
}
function done(log: TestLog, grantId: string, verb: string, id: string): void {
  const { actionId } = act(log, grantId, verb, { resource: { type: 'file', id } });
  log.do('settle', { actionId: actionId as string, outcome: { status: 'completed' } });
}
/** A run that reads and writes files, and completes. */
function cleanRun(log: TestLog, ids: readonly string[]): string {
  const { runId, grantId } = openTestRun(log, ROOMY, 'clerk');
  for (const id of ids) done(log, grantId, 'file.read', id);
  done(log, grantId, 'file.write', 'notes/today.md');
  log.do('completeRun', { runId });
  return runId;
}

describe('the runs of a log', () => {
  it('are clean if they completed, with their calls and their task', () => {
    const log = new TestLog();
    const runId = cleanRun(log, ['docs/a.md']);
    const { runs } = collected(log).clean();
    expect(runs).toMatchObject([{ id: runId, agentClass: 'clerk', task: 'tidy up' }]);
    expect(runs[0]?.calls.map(({ verb, completed }) => [verb, completed])).toEqual([
      ['file.read', true],
      ['file.write', true],
    ]);
  });

  it.each<[string, (log: TestLog, grantId: string, runId: string) => void, string]>([
    ['still runs', () => undefined, 'it has not completed'],
    [
      'was denied something',
      (log, grantId) =>
        void act(log, grantId, 'file.read', { resource: { type: 'file', id: 'a' }, posture: {}, cost: { EUR: 5 } }),
      'something was denied',
    ],
    ['was suspended', (log, grantId) => void log.do('suspend', { grantId, reasonCode: 'LOOK' }), 'it was suspended'],
    ['was revoked', (log, grantId) => void log.do('revokeGrant', { grantId }), 'it was revoked'],
    [
      'drifted',
      (log, _, runId) => void log.do('recordDrift', { runId, score: 0.7, features: [], monitor: 'm' }),
      'it drifted',
    ],
  ])('are no evidence if one %s', (_, spoil, why) => {
    const log = new TestLog();
    const { runId, grantId } = openTestRun(log, ROOMY, 'clerk');
    spoil(log, grantId, runId);
    const { runs, others } = collected(log).clean();
    expect([runs, [...others]]).toEqual([[], [[why, 1]]]);
  });

  it('give a lease whose resources are generalized only as far as the next run needs', () => {
    const log = new TestLog();
    for (const name of ['a', 'b', 'c', 'd']) cleanRun(log, [`docs/${name}.md`, 'docs/index.md']);
    const { permissions, time } = grantOf(deriveLease(collected(log).clean().runs));
    expect(permissions).toEqual([
      { actions: ['file.read'], resources: [{ type: 'file', match: 'docs/*' }] },
      { actions: ['file.write'], resources: [{ type: 'file', match: 'notes/today.md' }], calls: 5 },
    ]);
    expect(time).toEqual({ ttl: '5m' });
  });
});

describe('what leases allowed and none used', () => {
  it('is listed by class: verbs, resources, permissions and caps', () => {
    const log = new TestLog();
    const grant = {
      permissions: [
        { actions: ['file.read'], resources: [{ type: 'file', match: 'docs/**' }] },
        { actions: ['email.send'], resources: [{ type: 'mailbox', match: 'sales' }] },
      ],
      budget: { calls: 10, reads: 4, writes: 3 },
    };
    for (let i = 0; i < 2; i++) {
      const { grantId } = openTestRun(log, grant, 'clerk');
      for (let n = 0; n < 3; n++) done(log, grantId, 'file.read', `docs/${n}.md`);
    }
    const unused = unusedOf([...collected(log).leases.values()]);
    expect(unused.every(({ agentClass, leases }) => agentClass === 'clerk' && leases === 2)).toBe(true);
    const of = (kind: string): string[] => unused.filter((each) => each.kind === kind).map(({ what }) => what);
    expect(of('verb')).toEqual(['email.send']);
    expect(of('resource')).toEqual([expect.stringContaining('sales')]);
    expect(of('permission')).toEqual([expect.stringContaining('email.send')]);
    expect(unused.filter(({ kind }) => kind === 'cap').map(({ what, share }) => [what, share])).toEqual(
      [['calls', 0.3], ['writes', 0], ...(of('cap').includes('external') ? [['external', 0]] : [])].sort(),
    );
  });

  it('counts what a child did as used by the leases above it', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, actions: { allow: ['file.read', 'file.write'] } }, 'clerk');
    const child = delegateTestRun(log, grantId, { actions: { allow: ['file.read'] } });
    done(log, child.grantId, 'file.read', 'docs/a.md');
    const unused = unusedOf([...collected(log).leases.values()].filter(({ agentClass }) => agentClass === 'clerk'));
    expect(unused.filter(({ kind }) => kind === 'verb').map(({ what }) => what)).toEqual(['file.write']);
  });

  it('counts the delegation of a lease as used if it has a child', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, ROOMY, 'clerk');
    const isUnused = (): boolean =>
      unusedOf([...collected(log).leases.values()]).some(
        ({ kind, agentClass }) => kind === 'delegation' && agentClass === 'clerk',
      );
    expect(isUnused()).toBe(true);
    delegateTestRun(log, grantId, { actions: { allow: ['file.*'] } });
    expect(isUnused()).toBe(false);
  });
});
