import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { replayRequest } from '@bailiwick/contracts/replay/replay';
import { canonicalize } from '@bailiwick/core/canonical';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { candidateOf } from '../what-if/candidate';
import { WhatIf } from '../what-if/what-if';
import { emptyState } from '../state/state';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { act, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { deploy } from '../testing/policies';

const CATALOG = [{ match: ['file.read', 'file.write'], effects: ['read' as const], risk: 'low' as const }];
const cedar = (...texts: string[]): PolicyBundle => ({
  catalog: CATALOG,
  conditions: texts.map((text) => ({ cedar: text })),
});
const NO_WRITES = cedar(
  '@id("no-writes") @reason("files are only read") forbid (principal, action == Action::"file.write", resource);',
);
const OWNED = cedar('@id("owned") forbid (principal, action, resource) unless { resource.attributes.owner == "ann" };');
const owned = (owner: string) => ({ resource: { type: 'file', id: 'a', attributes: { owner } } });

/** Decides the calls of a log again, by a bundle or as they were decided. */
function again({ events, rules }: TestLog, bundle?: PolicyBundle) {
  const candidate = bundle && candidateOf(canonicalize(bundle));
  const whatIf = new WhatIf(
    emptyState('default/0', 'default', 0),
    replayRequest.parse({ change: {} }),
    rules,
    candidate,
  );
  for (const event of events) whatIf.take(structuredClone(event));
  return whatIf.end();
}

describe('the conditions of a policy', () => {
  it('deny from the deployment on what a lease permits, and the reason names the policy', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log);
    expect(act(log, grantId, 'file.write').type).toBe('ActionPermitted');
    deploy(log, NO_WRITES);
    const denied = act(log, grantId, 'file.write');
    expect(denied.type).toBe('ActionDenied');
    expect(denied.data.reasons).toEqual([
      {
        rule: 'condition',
        outcome: 'deny',
        code: 'CONDITION_FORBIDS',
        message: 'files are only read (the condition no-writes)',
        path: 'conditions.no-writes',
        actual: 'no-writes',
      },
    ]);
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    deploy(log, { catalog: CATALOG });
    expect(act(log, grantId, 'file.write').type).toBe('ActionPermitted');
  });

  it('permit nothing that a lease denies', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, actions: { allow: ['file.write'] } });
    deploy(log, OWNED);
    expect(act(log, grantId, 'file.read', owned('ann')).type).toBe('ActionDenied');
  });

  it('deny what they cannot decide', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    deploy(log, OWNED);
    expect(act(log, grantId, 'file.read', owned('ann')).type).toBe('ActionPermitted');
    expect(act(log, grantId, 'file.read', owned('bob')).data.reasons[0]).toMatchObject({ code: 'CONDITION_FORBIDS' });
    const denied = act(log, grantId, 'file.read');
    expect([denied.type, denied.data.reasons[0]]).toMatchObject([
      'ActionDenied',
      { code: 'CONDITION_UNDECIDED', path: 'conditions.owned', message: expect.stringContaining('owner') as string },
    ]);
  });

  it('deny every call in a process that cannot evaluate them, and if their text is not Cedar', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    deploy(log, cedar('permit'));
    expect(act(log, grantId, 'file.read').data.reasons[0]).toMatchObject({ code: 'CONDITION_UNDECIDED' });
    deploy(log, NO_WRITES);
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    Object.assign(log.rules, { judgeConditions: undefined });
    expect(act(log, grantId, 'file.read').data.reasons[0]).toMatchObject({
      code: 'CONDITION_UNDECIDED',
      message: expect.stringContaining('cannot evaluate') as string,
    });
  });

  it('are those of every snapshot', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    deploy(log, NO_WRITES);
    const copy = new TestLog();
    Object.assign(copy, { state: fromSnapshot(JSON.parse(JSON.stringify(toSnapshot(log.state))) as never) });
    copy.now = log.now;
    expect(act(copy, grantId, 'file.write', { commandId: 'cmd_of_the_copy' }).type).toBe('ActionDenied');
  });

  it('decide recorded calls again as they did, and under another bundle as that states', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log);
    act(log, grantId, 'file.write', { cost: { USD: 0 } });
    deploy(log, OWNED);
    act(log, grantId, 'file.write', { ...owned('ann'), labels: ['b', 'a'] });
    act(log, grantId, 'file.write', owned('bob'));
    expect(again(log)).toMatchObject({ decided: 3, differ: 0 });
    const { groups } = again(log, NO_WRITES);
    expect(groups.map(({ before, after, code, count }) => [before, after, code, count])).toEqual([
      ['permit', 'deny', 'CONDITION_FORBIDS', 2],
    ]);
  });
});

describe('a what-if under another policy', () => {
  it('reports a permit that would oblige to something else', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log, { ...ROOMY, obligations: [{ kind: 'max_rows', rows: 9 }] });
    deploy(log, { catalog: CATALOG });
    act(log, grantId, 'file.read');
    act(log, grantId, 'file.write', { understands: ['max_rows'] });
    expect(again(log)).toMatchObject({ decided: 2, differ: 0 });
    const obliging: PolicyBundle = {
      catalog: CATALOG.map((each) => ({
        ...each,
        obligations: [
          { kind: 'max_rows' as const, rows: 5 },
          { kind: 'watermark' as const, text: 'x' },
        ],
      })),
    };
    const { differences } = again(log, obliging);
    expect(differences.map(({ kind }) => kind)).toEqual(['permit->permit', 'permit->deny']);
    expect(differences[0]).toMatchObject({
      why: 'the enforcement point would have to return at most 5 rows, mark the result with "x"',
    });
    deploy(log, obliging);
    act(log, grantId, 'file.read');
    expect(again(log)).toMatchObject({ decided: 3, differ: 0 });
  });
});
