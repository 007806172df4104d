import fc from 'fast-check';
import { decide } from '@bailiwick/authority/commands/decide';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import {
  act,
  delegateTestRun,
  only,
  openTestRun,
  ROOMY,
  TestLog,
  type Fields,
} from '@bailiwick/authority/testing/harness';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { Event } from '@bailiwick/contracts/events/event';
import type { Rate } from '@bailiwick/core/allowance';
import { LIMITS } from '@bailiwick/core/limits';

/** Fails if an unwritten denial is charged; if the targeted run pays; if a budget is never refilled. */
fc.configureGlobal({ seed: 20260140 });

const NO_MAIL = { ...ROOMY, actions: { allow: ['*'], deny: ['email.*'] } };
const BOB = { kind: 'person', id: 'person:bob' } as const;
const isDenial = ({ type }: Event): boolean => ['ActionDenied', 'DelegationRefused', 'Refused'].includes(type);
const { run, tree, tenant } = LIMITS.refusals;

const ask = (log: TestLog, grantId: string, more: Partial<Fields<'authorize'>> = {}): string => {
  const result = log.try('authorize', {
    grantId,
    action: { verb: 'email.read' },
    resource: { type: 'mail', id: 'a' },
    proof: { vouched: true },
    ...more,
  });
  return 'refusal' in result ? result.refusal.code : 'written';
};
const flood = (times: number, once: (i: number) => unknown): unknown[] =>
  Array.from({ length: times }, (_, i) => once(i));
const written = (results: readonly unknown[]): number => results.filter((each) => each === 'written').length;

describe('budgets of recorded denials', () => {
  let log: TestLog;
  beforeEach(() => {
    log = new TestLog(judgeTrajectory);
  });

  it('limit the recorded denials of a run; beyond its budget the response is TOO_MANY', () => {
    const { grantId } = openTestRun(log, NO_MAIL);
    const results = flood(1_000, () => ask(log, grantId));
    expect(results.slice(0, run.burst)).toEqual(Array(run.burst).fill('written'));
    expect(results.slice(run.burst)).toEqual(Array(1_000 - run.burst).fill('TOO_MANY'));
    expect(log.events.filter(isDenial)).toHaveLength(run.burst);
  });

  it('keep the objections in a TOO_MANY response and return the refusal for the owner to count', () => {
    const { grantId, runId } = openTestRun(log, NO_MAIL);
    flood(run.burst, () => ask(log, grantId));
    const command = log.command('authorize', {
      grantId,
      action: { verb: 'email.read' },
      resource: { type: 'mail', id: 'a' },
      proof: { vouched: true },
    });
    const decided = decide(log.state, command, log.now, log.rules);
    expect(decided).toMatchObject({
      ok: false,
      error: {
        code: 'TOO_MANY',
        reasons: [{ outcome: 'deny' }],
        unwritten: [{ runId, command: 'authorize', verb: 'email.read', code: 'DENIED', count: 1 }],
      },
    });
  });

  it('do not affect permitted calls of the run or of other runs, however many were denied', () => {
    const { grantId } = openTestRun(log, NO_MAIL);
    const other = openTestRun(log, NO_MAIL);
    flood(1_000, () => ask(log, grantId));
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    expect(act(log, other.grantId, 'file.read').type).toBe('ActionPermitted');
    expect(ask(log, other.grantId)).toBe('written');
  });

  it.each<[string, (grantId: string, runId: string, i: number) => string | undefined]>([
    [
      'a delegation that is wider',
      (grantId) =>
        codeOf(
          log.try('delegate', {
            grantId,
            agent: { class: 'w' },
            purposeRef: `ref_${'0'.repeat(26)}`,
            grant: { budget: { calls: 1_000_000 } },
          }),
        ),
    ],
    [
      'a delegation to a class that is not allowed',
      (grantId) =>
        codeOf(
          log.try('delegate', {
            grantId: childless(grantId),
            agent: { class: 'w' },
            purposeRef: `ref_${'0'.repeat(26)}`,
            grant: {},
          }),
        ),
    ],
    [
      'an escalation beyond its parent',
      (grantId) => codeOf(log.try('escalate', { runId: kidOf(grantId), want: { budget: { calls: 1_000_000 } } })),
    ],
    [
      'a suspension of itself',
      (grantId, runId) => codeOf(log.try('suspend', { grantId, reasonCode: 'X', actor: { kind: 'run', id: runId } })),
    ],
    ['a verb in many spellings', (grantId, _runId, i) => ask(log, grantId, { action: { verb: `email.read${i}` } })],
    [
      'a known key under many resources',
      (grantId, _runId, i) => ask(log, grantId, { resource: { type: 'mail', id: `a/${i}` } }),
    ],
    [
      'an approval that does not exist',
      (grantId) => ask(log, grantId, { action: { verb: 'file.read' }, approvalId: `apr_0_${'9'.repeat(26)}` }),
    ],
    [
      'a call whose approval is already requested',
      (grantId) => ask(log, grantId, { action: { verb: 'payment.make', risk: 'irreversible' } }),
    ],
  ])('limit the recorded refusals of %s', (_what, once) => {
    const risky = { ...NO_MAIL, delegation: { depth: 3, children: 10, classes: ['helper', 'w'] } };
    const { grantId, runId } = openTestRun(log, risky);
    kids.clear();
    kids.set(grantId, delegateTestRun(log, grantId, {}));
    const before = log.events.length;
    const results = flood(500, (i) => once(grantId, runId, i));
    expect(results.filter((each) => each === 'TOO_MANY').length).toBeGreaterThan(0);
    expect(log.events.length - before).toBeLessThanOrEqual(run.burst + 2);
  });
  const kids = new Map<string, { runId: string; grantId: string }>();
  const kidOf = (grantId: string): string => kids.get(grantId)?.runId ?? '';
  const childless = (grantId: string): string => kids.get(grantId)?.grantId ?? '';
  const codeOf = (result: ReturnType<TestLog['try']>): string =>
    'refusal' in result ? result.refusal.code : 'written';

  it('limit the recorded refusals that the gateway reports for one key, counts included', () => {
    const report = (count?: number): string =>
      codeOf(
        log.try('recordRefusal', {
          command: 'GET /v1/events',
          detail: 'an enforcer may not',
          ...(count ? { count } : {}),
        }),
      );
    expect(written(flood(1_000, () => report()))).toBe(run.burst);
    expect(report(7)).toBe('TOO_MANY');
    log.now += run.everyMs;
    expect(report(7)).toBe('written');
    expect(only(log.events, 'RefusalsSummarized').data).toMatchObject({
      total: 7,
      refused: [{ code: 'FORBIDDEN', count: 7 }],
    });
  });

  it('charge the calling run, not the run whose lease it names', () => {
    const victim = openTestRun(log, NO_MAIL);
    const { runId } = openTestRun(log, NO_MAIL);
    const aimed = flood(500, () => ask(log, victim.grantId, { actor: { kind: 'run', id: runId } }));
    expect(written(aimed)).toBe(run.burst);
    expect(written(flood(10, () => ask(log, victim.grantId)))).toBe(10);
  });

  it('limit a tree to its share of the budget of its tenant, however many runs it opens', () => {
    const root = openTestRun(log, { ...NO_MAIL, delegation: { depth: 1, children: 100, classes: ['*'] } });
    const neighbour = openTestRun(log, NO_MAIL);
    const children = Array.from({ length: 50 }, () => delegateTestRun(log, root.grantId, {}));
    const results = children.flatMap(({ grantId }) => flood(100, () => ask(log, grantId)));
    expect(written(results)).toBe(tree.burst);
    expect(written(flood(run.burst, () => ask(log, neighbour.grantId)))).toBe(run.burst);
  });

  it('refill at the configured rate', () => {
    const { grantId } = openTestRun(log, NO_MAIL);
    flood(500, () => ask(log, grantId));
    for (let i = 0; i < 20; i++) {
      log.now += run.everyMs;
      expect([ask(log, grantId), ask(log, grantId)]).toEqual(['written', 'TOO_MANY']);
    }
    log.now += run.everyMs * run.burst;
    expect(written(flood(500, () => ask(log, grantId)))).toBe(run.burst);
  });

  it('always record the first denied escalation of a tree, so that a later shell call is detected', () => {
    const { grantId } = openTestRun(log, NO_MAIL);
    flood(500, () => ask(log, grantId));
    expect(ask(log, grantId, { labels: ['escalation'] })).toBe('written');
    expect(ask(log, grantId, { labels: ['escalation'] })).toBe('TOO_MANY');
    const shell = log.try('authorize', {
      grantId,
      action: { verb: 'exec.shell' },
      labels: ['exec:shell'],
      resource: { type: 'host', id: 'a' },
      proof: { vouched: true },
    });
    expect(JSON.stringify(shell)).toContain('EXEC_AFTER_DENIED_ESCALATION');
  });

  it('never refuse a suspension or a revocation, however much was refused', () => {
    const { grantId } = openTestRun(log, NO_MAIL);
    flood(1_000, () => ask(log, grantId));
    flood(1_000, () => codeOf(log.try('recordRefusal', { command: 'x', detail: 'y', actor: BOB })));
    expect(codeOf(log.try('suspend', { grantId, reasonCode: 'X', actor: BOB }))).toBe('written');
    expect(codeOf(log.try('revokeGrant', { grantId, actor: BOB }))).toBe('written');
  });

  it('record a small event without payload for a call under an ended lease', () => {
    const { grantId } = openTestRun(log, NO_MAIL);
    log.do('revokeGrant', { grantId, actor: BOB });
    const labels = Array.from({ length: 31 }, (_, i) => `l${i}-${'x'.repeat(60)}`);
    const attributes = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`a${i}`, 'y'.repeat(200)]));
    const payload = { salt: 'A'.repeat(22), value: { args: { text: 'z'.repeat(2_000) } } };
    const denied = act(log, grantId, 'email.read', {
      labels: [...labels, 'escalation'],
      payload,
      resource: { type: 'mail', id: 'a', attributes },
    });
    expect(denied.type).toBe('ActionDenied');
    expect(JSON.stringify(denied).length).toBeLessThan(1_500);
    expect(denied.payloadDigest).toBeUndefined();
    expect(denied.data.reasons).toMatchObject([{ rule: 'liveness' }]);
    expect(log.state.trees.get(denied.treeId as string)?.labels).toHaveProperty('denied:escalation');
    expect(written(flood(500, () => ask(log, grantId)))).toBe(run.burst - 1);
  });

  it('record a summary for the run if it is known, and without a run if it was forgotten', () => {
    const { runId, treeId } = openTestRun(log, NO_MAIL);
    const since = '2026-01-01T00:00:00.000Z';
    const refused = [{ command: 'authorize', verb: 'email.read', code: 'DENIED', count: 5 }];
    const [event] = log.do('summarizeRefusals', {
      since,
      runId,
      refused,
      others: 2,
      actor: { kind: 'system', id: 'delegation' },
    });
    expect(event).toMatchObject({
      type: 'RefusalsSummarized',
      runId,
      treeId,
      data: { since, total: 7, refused, others: 2 },
    });
    const [other] = log.do('summarizeRefusals', {
      since,
      runId: `run_0_${'9'.repeat(26)}`,
      refused,
      actor: { kind: 'system', id: 'delegation' },
    });
    expect(other?.runId).toBeUndefined();
  });
});

describe('budgets of recorded denials under any flood', () => {
  const step = fc.record({
    run: fc.nat(7),
    times: fc.integer({ min: 1, max: 120 }),
    waitMs: fc.nat(8_000),
    aim: fc.nat(7),
    own: fc.boolean(),
  });

  it('hold over every time span, fold to the same state, and are forgotten when full again', () => {
    const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const log = new TestLog();
      const trees = Array.from({ length: 4 }, () => openTestRun(log, NO_MAIL));
      const runs = [...trees, ...trees.map(({ grantId }) => delegateTestRun(log, grantId, {}))];
      for (const { run: who, times, waitMs, aim, own } of steps) {
        const [one, at] = [runs[who], runs[own ? who : aim]] as [(typeof runs)[0], (typeof runs)[0]];
        flood(times, () => ask(log, at.grantId, { actor: { kind: 'run', id: one.runId } }));
        log.now += waitMs;
      }
      const denials = log.events.filter(isDenial);
      const within = (rate: Rate, of: readonly Event[]): void => {
        for (const [i, first] of of.entries())
          for (let k = i; k < of.length; k++) {
            const ms = Date.parse((of[k] as Event).time) - Date.parse(first.time);
            expect(k - i + 1).toBeLessThanOrEqual(rate.burst + Math.floor(ms / rate.everyMs));
          }
      };
      within(tenant, denials);
      for (const { runId } of runs)
        within(
          run,
          denials.filter((each) => each.actor.id === runId),
        );
      expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
      log.now += 3_600_000;
      openTestRun(log);
      expect(log.state.refusalBuckets.size).toBe(0);
    });
    fc.assert(property, { numRuns: 12 });
  });
});
