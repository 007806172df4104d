import { act, delegateTestRun, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { tenantDefaults } from '../commands/grants/resolve';
import { emptyState } from '../state/state';
import { judgeTrajectory, judgeUnder } from '@bailiwick/trajectory/rules';
import { replayRequest, type Difference, type ReplayAnswer } from '@bailiwick/contracts/replay';
import { WhatIf } from './what-if';

const MINUTE = 60_000;
const PERSON = { kind: 'person', id: 'person:ann' } as const;

function whatIf({ events }: TestLog, change: object, more: object = {}): ReplayAnswer {
  const request = replayRequest.parse({ change, limit: 100, ...more });
  const judge = judgeUnder(request.change.policy);
  const asked = new WhatIf(emptyState('default/0', 'default', 0), request, { judge, defaults: tenantDefaults });
  for (const event of events) asked.take(structuredClone(event));
  return asked.end();
}
const kinds = ({ differences }: ReplayAnswer): string[] => differences.map(({ kind }) => kind);
const settle = (log: TestLog, actionId: string, cost?: Record<string, number>): void =>
  void log.do('settle', { actionId, outcome: { status: 'completed', ...(cost ? { cost } : {}) } });
/** Permitted and completed. */
const done = (log: TestLog, grantId: string, verb: string, more: object = {}): void =>
  settle(log, act(log, grantId, verb, more).actionId as string);
const approve = (log: TestLog, approvalId: string, verdict: 'approve' | 'deny' = 'approve'): void =>
  void log.do('decideApproval', { approvalId, verdict, actor: PERSON });

describe('under a smaller budget', () => {
  it('the calls beyond it would have been denied, and their outcomes fall away', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    for (let i = 0; i < 5; i++) done(log, grantId, 'file.read');
    const told = whatIf(log, { grant: { select: { grantId }, limits: { budget: { calls: 3 } } } });
    expect(kinds(told)).toEqual(['permit->deny', 'permit->deny']);
    expect(told).toMatchObject({ decided: 5, differ: 2, outcomesFallenAway: 2, byKind: { 'permit->deny': 2 } });
    expect(told.byVerb).toEqual({ 'file.read': { 'permit->deny': 2 } });
    expect(told.byAgentClass).toEqual({ worker: { 'permit->deny': 2 } });
    expect(told.differences[0]).toMatchObject({
      after: { reasons: [{ message: expect.stringContaining('exhausted') }, {}] },
    });
  });

  it('what would have been denied spends nothing: what came later finds the money still there', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 100 } } });
    const dear = act(log, grantId, 'email.send', { cost: { USD: 80 } }).actionId as string;
    settle(log, dear);
    expect(act(log, grantId, 'file.read', { cost: { USD: 50 } }).type).toBe('ActionDenied');
    const told = whatIf(log, { grant: { limits: { actions: { deny: ['email.*'] } } } });
    expect(kinds(told)).toEqual(['permit->deny', 'deny->permit']);
  });

  it('a call that is permitted instead counts as what was reserved for it', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 10 } } });
    for (const usd of [8, 6, 6]) act(log, grantId, 'file.read', { cost: { USD: usd } });
    // 8 is permitted as before, then 6 of the 20; the last 6 of them fills it
    const told = whatIf(log, { grant: { limits: { budget: { cost: { USD: 15 } } } } });
    expect(kinds(told)).toEqual(['deny->permit']);
  });

  it('a child that had its parent’s limit takes the smaller one; one that asked for more is refused, and falls away', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const same = delegateTestRun(log, grantId);
    const wide = delegateTestRun(log, grantId, {
      budget: { reads: 50 },
      delegation: { depth: 1, children: 1, classes: ['*'] },
    });
    const below = delegateTestRun(log, wide.grantId, { budget: { reads: 2 } });
    for (const each of [same, wide, below]) done(log, each.grantId, 'file.read');
    const told = whatIf(log, { grant: { select: { root: true }, limits: { budget: { reads: 40 } } } });
    expect(kinds(told)).toEqual(['issued->refused', 'issued->falls-away', 'permit->falls-away', 'permit->falls-away']);
    expect(told.differences[0]).toMatchObject({ grantId: wide.grantId, why: expect.stringContaining('budget.reads') });
    expect(told.differences[2]).toMatchObject({ why: expect.stringContaining('would not have been issued') });
  });
});

describe('without a lease', () => {
  it('its run, its children and all they did fall away, and nothing else', () => {
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
    // as if it had been taken away just before they acted
    const from = log.events.findIndex(({ type }) => type === 'ActionPermitted');
    expect(kinds(whatIf(log, change, { from }))).toEqual(['permit->falls-away', 'permit->falls-away']);
  });

  it('a call inside one that would have been denied falls away with it', () => {
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

describe('approvals', () => {
  const asked = (): { log: TestLog; grantId: string; approvalId: string } => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const { data } = act(log, grantId, 'thing.delete') as { data: { approvalId: string } };
    return { log, grantId, approvalId: data.approvalId };
  };

  it('stay given, for exactly their call', () => {
    const { log, grantId, approvalId } = asked();
    approve(log, approvalId);
    done(log, grantId, 'thing.delete', { approvalId });
    done(log, grantId, 'file.write');
    // from medium on a person is asked: the approved call is, the other one was never asked about
    const told = whatIf(log, { policy: { approvalFrom: 'medium' } });
    expect(kinds(told)).toEqual(['permit->step-up']);
    expect(told.differences[0]).toMatchObject({ verb: 'file.write' });
  });

  it('a call that is permitted at once is charged once: the approved one is the same call', () => {
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

  it('an outcome that taught a label still teaches it, where the call is the same', () => {
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
    const told = whatIf(log, { policy: { approvalFrom: 'irreversible' } });
    expect(kinds(told)).toEqual(['step-up->permit', 'permit->falls-away']);
  });

  it('a lease that would have been used up before it was raised is not raised', () => {
    const log = new TestLog();
    const { grantId, runId } = openTestRun(log);
    for (let i = 0; i < 3; i++) done(log, grantId, 'file.read');
    log.do('escalate', { runId, want: { budget: { calls: 200 } } });
    approve(log, [...log.state.approvals.keys()][0] as string);
    done(log, [...log.state.grants.keys()][1] as string, 'file.read');
    const told = whatIf(log, { grant: { select: { grantId }, limits: { budget: { calls: 3 } } } });
    expect(kinds(told)).toEqual(['issued->falls-away', 'permit->deny']);
  });
});

describe('drift and trajectories', () => {
  const score = (log: TestLog, runId: string, value: number): void =>
    void log.do('recordDrift', {
      runId,
      score: value,
      features: [],
      monitor: 'test',
      actor: { kind: 'system', id: 'intent' },
    });

  it('a lower threshold suspends earlier, a higher one not at all', () => {
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

  it('a rule that is off objects no more; a rule that is added does', () => {
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

describe('refused delegations', () => {
  it('are decided again by what was asked for; what the child would have done is not known', () => {
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
    // an older event does not hold what was asked for
    const [last] = log.events.slice(-1) as { data: { asked?: unknown } }[];
    delete last?.data.asked;
    expect(whatIf(log, { grant: { limits: { budget: { calls: 200 } } } })).toMatchObject({
      undecidable: 1,
      differences: [],
    });
  });
});

describe('a page', () => {
  it('holds so many, says so, and the next begins behind it; the counts are of all', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    for (let i = 0; i < 7; i++) {
      log.now += MINUTE;
      done(log, grantId, 'file.read');
    }
    const change = { grant: { limits: { actions: { deny: ['file.*'] } } } };
    const seen: number[] = [];
    for (let after: number | null = -1; after !== null;) {
      const told = whatIf(log, change, { limit: 3, ...(after < 0 ? {} : { after }) });
      expect(told).toMatchObject({ differ: 7, decided: 7 });
      seen.push(...told.differences.map(({ position }) => position));
      expect(told.truncated).toBe(told.next !== null);
      after = told.next;
    }
    expect(seen).toEqual(log.events.filter(({ type }) => type === 'ActionPermitted').map(({ position }) => position));
  });
});
