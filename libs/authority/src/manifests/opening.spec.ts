import type { EventOf } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { stateDigest } from '../state/digest';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { act, only, openTestRun, REF, ROOMY, TestLog, type CommandResult } from '../testing/harness';
import { deploy, manifests, tryDeploy, type ManifestFields } from '../testing/policies';

const FILES: GrantRequest = {
  actions: { allow: ['file.*'] },
  resources: [{ type: 'file', match: 'a/**' }],
  budget: { calls: 10, reads: 10, writes: 10, external: 0 },
};
const WORKER: ManifestFields = {
  class: 'worker',
  most: {
    time: { ttl: '2h' },
    actions: { allow: ['file.*', 'email.read'], deny: ['file.delete'] },
    resources: [{ type: 'file', match: 'a/**' }],
    budget: { calls: 20, cost: { USD: 500 }, windows: [{ per: '1m', calls: 5 }] },
    delegation: { depth: 1, children: 2, classes: ['helper'] },
    risk: { ceiling: 'high' },
  },
};

const logWith = (...agents: ManifestFields[]): TestLog => {
  const log = new TestLog();
  deploy(log, manifests(...agents));
  return log;
};
const open = (log: TestLog, grant: GrantRequest, agentClass = 'worker', more: object = {}): CommandResult =>
  log.try('openRun', { agent: { class: agentClass, ...more }, principalRef: REF, purposeRef: REF, grant });
const refusalOf = (result: CommandResult): Refusal => {
  if ('refusal' in result) return result.refusal;
  const refused = result.events.find(({ type }) => type === 'Refused');
  if (refused?.type === 'Refused') return refused.data;
  throw new Error(`not refused: ${result.events.map(({ type }) => type).join(', ')}`);
};
const issuedIn = (result: CommandResult): EventOf<'GrantIssued'>['data'] => {
  if ('refusal' in result) throw new Error(JSON.stringify(result.refusal));
  return only(result.events, 'GrantIssued').data;
};
const pathsOf = ({ reasons = [] }: Refusal): (string | undefined)[] => reasons.map(({ path }) => path).sort();
const PERSON = { kind: 'person' as const, id: 'person:ann' };

describe('a root lease under a manifest', () => {
  it('is issued if it is within the manifest of its class', () => {
    expect(issuedIn(open(logWith(WORKER), FILES)).limits.budget.calls).toBe(10);
  });

  it.each<[string, GrantRequest, string[]]>([
    ['verbs', { actions: { allow: ['file.*', 'email.send'] } }, ['actions.allow']],
    ['resources', { resources: [{ type: 'file', match: '**' }] }, ['resources']],
    ['calls', { budget: { ...FILES.budget, calls: 21 } }, ['budget.calls']],
    ['money', { budget: { ...FILES.budget, cost: { USD: 501 } } }, ['budget.cost.USD']],
    ['another currency', { budget: { ...FILES.budget, cost: { EUR: 1 } } }, ['budget.cost.EUR']],
    ['time', { time: { ttl: '121m' } }, ['time.expiresAt']],
    ['time by renewals', { time: { ttl: '1h', renewUntil: '3h' } }, ['time.renewUntil']],
    ['levels', { delegation: { depth: 2, children: 1, classes: ['helper'] } }, ['delegation.depth']],
    ['classes', { delegation: { depth: 1, children: 1, classes: ['*'] } }, ['delegation.classes']],
    ['risk', { risk: { ceiling: 'irreversible' } }, ['risk.ceiling']],
    [
      'several limits at once',
      { budget: { ...FILES.budget, calls: 21 }, actions: { allow: ['**'] } },
      ['actions.allow', 'budget.calls'],
    ],
  ])('is refused with the reasons if it asks for more %s', (_, more, paths) => {
    const log = logWith(WORKER);
    const refusal = refusalOf(open(log, { ...FILES, ...more }));
    expect([refusal.code, pathsOf(refusal)]).toEqual(['GRANT_EXCEEDS_MAXIMUM', paths]);
    expect(refusal.detail).toContain('the manifest of the class worker, in version 1 of the policy');
    for (const reason of refusal.reasons ?? [])
      expect(reason).toMatchObject({ rule: 'manifest', code: 'BEYOND_MANIFEST', outcome: 'deny' });
    expect(log.state.runs.size).toBe(0);
  });

  it('keeps the denials, the windows and the caps of the manifest that the request does not name', () => {
    const { limits } = issuedIn(
      open(logWith(WORKER), { ...FILES, actions: { allow: ['file.*'], deny: ['file.move'] } }),
    );
    expect(limits.actions.deny).toEqual(['file.delete', 'file.move']);
    expect(limits.budget.windows).toEqual([{ per: '1m', calls: 5 }]);
  });

  it('gets no more than the manifest allows for members that the request leaves out', () => {
    const { limits } = issuedIn(open(logWith(WORKER), { actions: FILES.actions, resources: FILES.resources }));
    expect(limits.budget).toMatchObject({ calls: 20, reads: 1_000, cost: {} });
  });

  it('gets the default lease of the manifest for members that the request leaves out', () => {
    const lease = {
      time: { ttl: '15m' },
      ...FILES,
      budget: { ...FILES.budget, cost: { USD: 200 } },
      delegation: { depth: 1, children: 1, classes: ['helper'] },
    };
    const log = logWith({ ...WORKER, lease });
    const { limits } = issuedIn(open(log, { budget: { calls: 7 } }));
    expect(limits).toMatchObject({
      time: { expiresAt: '2026-01-01T00:15:00.000Z' },
      actions: { allow: ['file.*'], deny: ['file.delete'] },
      resources: FILES.resources,
      budget: { calls: 7, reads: 10, cost: { USD: 200 } },
      delegation: { depth: 1, children: 1, classes: ['helper'] },
    });
    const asked = issuedIn(
      open(log, { time: { expiresAt: '2026-01-01T01:00:00.000Z' }, actions: { allow: ['file.read'] } }),
    );
    expect(asked.limits).toMatchObject({
      time: { expiresAt: '2026-01-01T01:00:00.000Z' },
      actions: { allow: ['file.read'] },
    });
  });

  it('that names an end is not renewed as the default lease is', () => {
    const log = logWith({ ...WORKER, lease: { ...FILES, time: { ttl: '30m', renewUntil: '1h' } } });
    const timeOf = (grant: GrantRequest) => issuedIn(open(log, grant)).limits.time;
    expect(timeOf({})).toMatchObject({ expiresAt: '2026-01-01T00:30:00.000Z', renewUntil: '2026-01-01T01:00:00.000Z' });
    const own = timeOf({ time: { ttl: '2h' } });
    expect([own.expiresAt, own.renewUntil]).toEqual(['2026-01-01T02:00:00.000Z', undefined]);
  });

  it('has the envelope of the permissions that it requests, not that of the default lease', () => {
    const { limits } = issuedIn(
      open(logWith({ ...WORKER, lease: FILES }), {
        permissions: [{ actions: ['file.read'], resources: [{ type: 'file', match: 'a/b/**' }] }],
      }),
    );
    expect(limits).toMatchObject({ actions: { allow: ['file.read'] }, resources: [{ type: 'file', match: 'a/b/**' }] });
  });

  it('of a class without a manifest is refused, unless there is one of all other classes', () => {
    const refusal = refusalOf(open(logWith(WORKER), FILES, 'stray'));
    expect(refusal).toMatchObject({
      code: 'GRANT_EXCEEDS_MAXIMUM',
      reasons: [{ rule: 'manifest', code: 'NO_MANIFEST' }],
    });
    expect(refusal.detail).toContain('no manifest of the class stray');
    const log = logWith(WORKER, { class: '*', most: { budget: { calls: 3 } } });
    expect(pathsOf(refusalOf(open(log, FILES, 'stray')))).toEqual(['budget.calls']);
    expect(issuedIn(open(log, { ...FILES, budget: { calls: 3 } }, 'stray')).limits.budget.calls).toBe(3);
    expect(issuedIn(open(log, FILES)).limits.budget.calls).toBe(10);
  });

  it('of any class is issued as before if the bundle has no manifests', () => {
    const log = new TestLog();
    deploy(log, {});
    expect(issuedIn(open(log, ROOMY, 'stray')).limits).toEqual(issuedIn(open(new TestLog(), ROOMY, 'stray')).limits);
  });
});

describe('a root lease beyond a manifest that asks', () => {
  const ASKS: ManifestFields = { ...WORKER, beyond: 'ask' };
  const WIDE: GrantRequest = { ...FILES, budget: { ...FILES.budget, calls: 40 } };
  const asked = (log: TestLog): string => {
    const result = open(log, WIDE);
    if ('refusal' in result) throw new Error(result.refusal.detail);
    return only(result.events, 'ApprovalRequested').data.approvalId;
  };
  const answer = (log: TestLog, approvalId: string, grant?: GrantRequest): CommandResult =>
    log.try('decideApproval', { approvalId, verdict: 'approve', grant, actor: PERSON });
  const calls = (log: TestLog, grantId: string, n: number): string[] =>
    Array.from({ length: n }, () => {
      log.now += 60_000;
      const decided = act(log, grantId, 'file.read');
      if (decided.type === 'ActionPermitted')
        log.do('settle', { actionId: decided.actionId as string, outcome: { status: 'completed' } });
      return decided.type;
    });

  it('goes to a person, and an approval gives exactly the lease that the person saw', () => {
    const log = logWith(ASKS);
    const issued = issuedIn(answer(log, asked(log)));
    expect(issued).toMatchObject({ limits: { budget: { calls: 40 } }, approvedBy: 'person:ann' });
    expect(issued.beyond).toMatch(/^sha256:/);
  });

  it('is not bounded by that manifest, and is narrowed by another one that a later version has', () => {
    const log = logWith({ ...ASKS, most: { budget: { calls: 2 } } });
    const approved = answer(log, asked(log));
    if ('refusal' in approved) throw new Error(approved.refusal.detail);
    const { grantId } = only(approved.events, 'GrantIssued');
    expect(new Set(calls(log, grantId as string, 4))).toEqual(new Set(['ActionPermitted']));
    deploy(log, { ...manifests({ ...ASKS, most: { budget: { calls: 2 } } }), catalog: [] });
    expect(calls(log, grantId as string, 1)).toEqual(['ActionPermitted']);
    deploy(log, manifests({ ...ASKS, most: { budget: { calls: 3 } } }));
    expect(calls(log, grantId as string, 1)).toEqual(['ActionDenied']);
    const copy = fromSnapshot(toSnapshot(log.state));
    expect(copy.approvedBeyond).toEqual(log.state.approvedBeyond);
    expect(stateDigest(copy)).toBe(stateDigest(log.state));
  });

  it('is within the manifest if the person gives less, and then no approval beyond it is recorded', () => {
    const log = logWith(ASKS);
    const issued = issuedIn(answer(log, asked(log), { budget: { calls: 20 } }));
    expect([issued.limits.budget.calls, issued.beyond]).toEqual([20, undefined]);
  });

  it('cannot be approved once another version is in force, which its card did not state', () => {
    const log = logWith(ASKS);
    const approvalId = asked(log);
    deploy(log, manifests(ASKS));
    const refusal = refusalOf(answer(log, approvalId));
    expect(refusal).toMatchObject({ code: 'GRANT_EXCEEDS_MAXIMUM', reasons: [{ path: 'budget.calls' }] });
    expect(refusal.detail).toContain('deny this request');
  });

  it('is refused again once a person has refused it', () => {
    const log = logWith(ASKS);
    log.do('decideApproval', { approvalId: asked(log), verdict: 'deny', actor: PERSON });
    expect(refusalOf(open(log, WIDE)).code).toBe('REFUSED_BY_PERSON');
  });
});

describe('an escalation under a manifest', () => {
  const escalate = (log: TestLog, runId: string): CommandResult =>
    log.try('escalate', { runId, want: { budget: { calls: 40 } } });

  it('is refused beyond the manifest, and goes to a person if that asks', () => {
    const log = logWith(WORKER);
    const { runId } = openTestRun(log, FILES);
    expect(refusalOf(escalate(log, runId))).toMatchObject({
      code: 'GRANT_EXCEEDS_MAXIMUM',
      reasons: [{ rule: 'manifest', path: 'budget.calls' }],
    });
    deploy(log, manifests({ ...WORKER, beyond: 'ask' }));
    const result = escalate(log, runId);
    if ('refusal' in result) throw new Error(result.refusal.detail);
    const { approvalId } = only(result.events, 'ApprovalRequested').data;
    const issued = issuedIn(log.try('decideApproval', { approvalId, verdict: 'approve', actor: PERSON }));
    expect([issued.limits.budget.calls, issued.beyond]).toEqual([40, expect.stringMatching(/^sha256:/)]);
  });
});

describe('a bundle with manifests', () => {
  it.each<[string, ManifestFields[], string]>([
    ['two of one class', [WORKER, { class: 'worker' }], 'agents.1.class'],
    [
      'a malformed pattern',
      [{ class: 'worker', most: { actions: { allow: ['file..*'] } } }],
      'agents.0.most.actions.allow.0',
    ],
    ['a time that no lease lasts', [{ class: 'worker', most: { time: { ttl: '0s' } } }], 'agents.0.most.time.ttl'],
    [
      'an unknown time zone',
      [{ class: 'worker', hours: { days: ['mon'], from: '08:00', until: '18:00', timezone: 'Mars/Base' } }],
      'agents.0.hours.timezone',
    ],
    [
      'a default lease beyond its most',
      [{ ...WORKER, lease: { budget: { calls: 21 } } }],
      'agents.0.lease.budget.calls',
    ],
  ])('is not deployed with %s', (_, agents, path) => {
    const refused = tryDeploy(new TestLog(), manifests(...agents), 0);
    expect(refused).toMatchObject({ refusal: { code: 'BAD_REQUEST', detail: expect.stringContaining(path) } });
  });
});
