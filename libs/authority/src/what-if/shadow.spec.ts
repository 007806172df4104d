import { act, delegateTestRun, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { deploy, manifests } from '../testing/policies';
import { tenantDefaults } from '../commands/grants/resolve';
import { emptyState } from '../state/state';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory, judgeUnder } from '@bailiwick/trajectory/sequence-rules';
import { replayRequest, type Difference, type ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import { WhatIf } from './what-if';

const MINUTE = 60_000;
const PERSON = { kind: 'person', id: 'person:ann' } as const;

function whatIf({ events }: TestLog, change: object, more: object = {}): ReplayAnswer {
  const request = replayRequest.parse({ change, limit: 100, ...more });
  const judge = judgeUnder(request.change.policy);
  const asked = new WhatIf(emptyState('default/0', 'default', 0), request, {
    judge,
    catalog: DEFAULT_CATALOG,
    defaults: tenantDefaults,
  });
  for (const event of events) asked.take(structuredClone(event));
  return asked.end();
}
const kinds = ({ differences }: ReplayAnswer): string[] => differences.map(({ kind }) => kind);
const settle = (log: TestLog, actionId: string, cost?: Record<string, number>): void =>
  void log.do('settle', { actionId, outcome: { status: 'completed', ...(cost ? { cost } : {}) } });
/** Asks for an action, which is permitted, and reports it completed. */
const done = (log: TestLog, grantId: string, verb: string, more: object = {}): void =>
  settle(log, act(log, grantId, verb, more).actionId as string);
const approve = (log: TestLog, approvalId: string, verdict: 'approve' | 'deny' = 'approve'): void =>
  void log.do('decideApproval', { approvalId, verdict, actor: PERSON });

describe('a what-if under a smaller budget', () => {
  it('denies the calls beyond the budget and drops their outcomes', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    for (let i = 0; i < 5; i++) done(log, grantId, 'file.read');
    const result = whatIf(log, { grant: { select: { grantId }, limits: { budget: { calls: 3 } } } });
    expect(kinds(result)).toEqual(['permit->deny', 'permit->deny']);
    expect(result).toMatchObject({ decided: 5, differ: 2, outcomesFallenAway: 2, byKind: { 'permit->deny': 2 } });
    expect(result.byVerb).toEqual({ 'file.read': { 'permit->deny': 2 } });
    expect(result.byAgentClass).toEqual({ worker: { 'permit->deny': 2 } });
    expect(result.differences[0]).toMatchObject({
      after: { reasons: [{ message: expect.stringContaining('exhausted') }, {}] },
    });
  });

  it('spends nothing on denied calls, so later calls may spend the money', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 100 } } });
    const dear = act(log, grantId, 'email.send', { cost: { USD: 80 } }).actionId as string;
    settle(log, dear);
    expect(act(log, grantId, 'file.read', { cost: { USD: 50 } }).type).toBe('ActionDenied');
    const result = whatIf(log, { grant: { limits: { actions: { deny: ['email.*'] } } } });
    expect(kinds(result)).toEqual(['permit->deny', 'deny->permit']);
  });

  it('charges its reservation to a call that is permitted instead', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 10 } } });
    for (const usd of [8, 6, 6]) act(log, grantId, 'file.read', { cost: { USD: usd } });
    // 8 is permitted as before, then 6 of the 20; the last 6 of them fills it
    const result = whatIf(log, { grant: { limits: { budget: { cost: { USD: 15 } } } } });
    expect(kinds(result)).toEqual(['deny->permit']);
  });

  it('gives the smaller limit to a child that had its parent’s, and refuses a child that asked for more', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const same = delegateTestRun(log, grantId);
    const wide = delegateTestRun(log, grantId, {
      budget: { reads: 50 },
      delegation: { depth: 1, children: 1, classes: ['*'] },
    });
    const below = delegateTestRun(log, wide.grantId, { budget: { reads: 2 } });
    for (const each of [same, wide, below]) done(log, each.grantId, 'file.read');
    const result = whatIf(log, { grant: { select: { root: true }, limits: { budget: { reads: 40 } } } });
    expect(kinds(result)).toEqual([
      'issued->refused',
      'issued->falls-away',
      'permit->falls-away',
      'permit->falls-away',
    ]);
    expect(result.differences[0]).toMatchObject({
      grantId: wide.grantId,
      why: expect.stringContaining('budget.reads'),
    });
    expect(result.differences[2]).toMatchObject({ why: expect.stringContaining('would not have been issued') });
  });
});

describe('a what-if without a lease', () => {
  it('drops its run, its children and all their actions, and nothing else', () => {
    const log = new TestLog();
    const [kept, gone] = [openTestRun(log, ROOMY, 'reader'), openTestRun(log, ROOMY, 'scraper')];
    const child = delegateTestRun(log, gone.grantId);
    for (const each of [kept, gone, child]) done(log, each.grantId, 'file.read');
    log.do('completeRun', { runId: gone.runId });
    const change = { grant: { select: { agentClass: 'scraper' }, withhold: true } };
    expect(kinds(whatIf(log, change))).toEqual([
      'issued->refused',
      'issued->falls-away',
      'permit->falls-away',
      'permit->falls-away',
    ]);
    // withheld just before they acted
    const from = log.events.findIndex(({ type }) => type === 'ActionPermitted');
    expect(kinds(whatIf(log, change, { from }))).toEqual(['permit->falls-away', 'permit->falls-away']);
  });

  it('drops a call inside one that would have been denied', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const above = act(log, grantId, 'tool.run').actionId as string;
    act(log, grantId, 'file.read', { parentActionId: above });
    expect(kinds(whatIf(log, { grant: { limits: { actions: { deny: ['tool.*'] } } } }))).toEqual([
      'permit->deny',
      'permit->falls-away',
    ]);
  });
});

describe('approvals in a what-if', () => {
  const asked = (): { log: TestLog; grantId: string; approvalId: string } => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const { data } = act(log, grantId, 'thing.delete') as { data: { approvalId: string } };
    return { log, grantId, approvalId: data.approvalId };
  };

  it('stay valid for exactly their call', () => {
    const { log, grantId, approvalId } = asked();
    approve(log, approvalId);
    done(log, grantId, 'thing.delete', { approvalId });
    done(log, grantId, 'file.write');
    // approval is needed from medium: the approved call has one, the other one does not
    const result = whatIf(log, { policy: { approvalFrom: 'medium' } });
    expect(kinds(result)).toEqual(['permit->step-up']);
    expect(result.differences[0]).toMatchObject({ verb: 'file.write' });
  });

  it('charge a call that is permitted at once only once: the approved one is the same call', () => {
    const { log, grantId, approvalId } = asked();
    approve(log, approvalId);
    done(log, grantId, 'thing.delete', { approvalId });
    done(log, grantId, 'file.write');
    const calls = (n: number): Difference[] =>
      whatIf(log, { policy: { approvalFrom: 'irreversible' }, grant: { limits: { budget: { calls: n } } } })
        .differences;
    expect(calls(2).map(({ kind }) => kind)).toEqual(['step-up->permit', 'permit->falls-away']);
    expect(calls(1).map(({ kind }) => kind)).toEqual(['step-up->permit', 'permit->falls-away', 'permit->deny']);
  });

  it('keep the labels of an outcome if the call is the same', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log);
    const { data } = act(log, grantId, 'iam.list', { action: { verb: 'iam.list' } }) as {
      data: { approvalId: string };
    };
    approve(log, data.approvalId);
    const { actionId } = act(log, grantId, 'iam.list', { approvalId: data.approvalId });
    log.do('settle', {
      actionId: actionId as string,
      outcome: { status: 'completed', labels: ['private', 'untrusted'] },
    });
    expect(act(log, grantId, 'email.send').type).toBe('ActionStepUp');
    const result = whatIf(log, { policy: { approvalFrom: 'irreversible' } });
    expect(kinds(result)).toEqual(['step-up->permit', 'permit->falls-away']);
  });

  it('do not raise a lease that would have been used up before', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log);
    for (let i = 0; i < 3; i++) done(log, grantId, 'file.read');
    log.do('escalate', { runId, want: { budget: { calls: 200 } } });
    approve(log, [...log.state.approvals.keys()][0] as string);
    done(log, [...log.state.grants.keys()][1] as string, 'file.read');
    const result = whatIf(log, { grant: { select: { grantId }, limits: { budget: { calls: 3 } } } });
    expect(kinds(result)).toEqual(['issued->falls-away', 'permit->deny']);
  });
});

describe('drift and trajectories in a what-if', () => {
  const score = (log: TestLog, runId: string, value: number): void =>
    void log.do('recordDrift', {
      runId,
      score: value,
      features: [],
      monitor: 'test',
      actor: { kind: 'system', id: 'intent' },
    });

  it('suspend earlier under a lower threshold, and never under a higher one', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log);
    score(log, runId, 0.5);
    done(log, grantId, 'file.read');
    score(log, runId, 0.9);
    act(log, grantId, 'file.read');
    expect(kinds(whatIf(log, { drift: { suspendAt: 0.4 } }))).toEqual([
      'on->suspended',
      'permit->deny',
      'suspended->on',
    ]);
    expect(kinds(whatIf(log, { drift: { suspendAt: 1 } }))).toEqual(['suspended->on', 'deny->permit']);
    expect(kinds(whatIf(log, { drift: { stepUpAt: 0.1, suspendAt: 0.85 } }))).toEqual([]); // it reads
  });

  it('drop the objections of a disabled rule, and add those of an enabled one', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log);
    done(log, grantId, 'email.read');
    act(log, grantId, 'email.send');
    done(log, grantId, 'file.write', { labels: ['publishes'] });
    expect(kinds(whatIf(log, { policy: { sequences: { LETHAL_TRIFECTA: 'off' } } }))).toEqual(['step-up->permit']);
    expect(kinds(whatIf(log, { policy: { sequences: { LETHAL_TRIFECTA: 'deny' } } }))).toEqual(['step-up->deny']);
    const added = [{ seen: ['untrusted'], then: 'publishes', outcome: 'deny' }];
    expect(kinds(whatIf(log, { policy: { added } }))).toEqual(['permit->deny']);
  });
});

describe('refused delegations in a what-if', () => {
  it('are decided again by their recorded request, without the unknown actions of the child', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    log.do('delegate', {
      grantId,
      agent: { class: 'helper' },
      purposeRef: `ref_${'0'.repeat(26)}`,
      grant: { budget: { calls: 150 } },
    });
    expect(log.events.at(-1)).toMatchObject({ type: 'DelegationRefused', data: { asked: { budget: { calls: 150 } } } });
    expect(kinds(whatIf(log, { grant: { limits: { budget: { calls: 120 } } } }))).toEqual([]);
    expect(kinds(whatIf(log, { grant: { limits: { budget: { calls: 200 } } } }))).toEqual(['refused->issued']);
    // an older event does not contain the request
    const [last] = log.events.slice(-1) as { data: { asked?: unknown } }[];
    delete last?.data.asked;
    expect(whatIf(log, { grant: { limits: { budget: { calls: 200 } } } })).toMatchObject({
      undecidable: 1,
      differences: [],
    });
  });
});

describe('tenant budgets in a what-if', () => {
  /** Two runs share three calls; a fourth is denied. */
  function shared(): { log: TestLog; grantId: string; treeId: string } {
    const log = new TestLog();
    log.do('setTenantBudget', { name: 'team', selector: { agentClass: 'worker' }, budget: { calls: 3 } });
    const [one, other] = [openTestRun(log), openTestRun(log)];
    for (const { grantId } of [one, other, one]) done(log, grantId, 'file.read');
    expect(act(log, other.grantId, 'file.read').type).toBe('ActionDenied');
    return { log, ...other };
  }

  it('are the recorded ones: a call that is no longer made leaves its share to others', () => {
    const { log, grantId } = shared();
    expect(whatIf(log, {})).toMatchObject({ differ: 0 });
    const change = { grant: { select: { grantId }, limits: { budget: { calls: 1 } } } };
    expect(kinds(whatIf(log, change))).toEqual([]);
    const withheld = { grant: { select: { grantId: log.state.order[0]?.id }, withhold: true } };
    expect(kinds(whatIf(log, withheld))).toEqual([
      'issued->refused',
      'permit->falls-away',
      'permit->falls-away',
      'deny->permit',
    ]);
  });

  it('keep their recorded denials in a what-if of one tree, whose events contain no budgets', () => {
    const { log, treeId } = shared();
    const alone = Object.assign(new TestLog(), { events: log.events.filter((event) => event.treeId === treeId) });
    expect(whatIf(alone, {}, { treeId })).toMatchObject({ decided: 2, differ: 0 });
  });
});

describe('a page of differences', () => {
  it('holds at most `limit` differences, reports truncation and the next page, and counts all differences', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    for (let i = 0; i < 7; i++) {
      log.now += MINUTE;
      done(log, grantId, 'file.read');
    }
    const change = { grant: { limits: { actions: { deny: ['file.*'] } } } };
    const seen: number[] = [];
    for (let after: number | null = -1; after !== null;) {
      const result = whatIf(log, change, { limit: 3, ...(after < 0 ? {} : { after }) });
      expect(result).toMatchObject({ differ: 7, decided: 7 });
      seen.push(...result.differences.map(({ position }) => position));
      expect(result.truncated).toBe(result.next !== null);
      after = result.next;
    }
    expect(seen).toEqual(log.events.filter(({ type }) => type === 'ActionPermitted').map(({ position }) => position));
  });
});

describe('a what-if of a log with manifests', () => {
  it('keeps their recorded objections if it has the events of one tree alone, which contain no deployments', () => {
    const log = new TestLog();
    const { grantId, treeId } = openTestRun(log);
    deploy(log, manifests({ class: 'worker', most: { actions: { deny: ['file.write'] } } }));
    const types = ['file.read', 'file.write'].map((verb) => act(log, grantId, verb).type);
    expect(types).toEqual(['ActionPermitted', 'ActionDenied']);
    const ofTree = { events: log.events.filter((event) => event.treeId === treeId) } as TestLog;
    for (const each of [log, ofTree]) expect(kinds(whatIf(each, {}))).toEqual([]);
  });
});
