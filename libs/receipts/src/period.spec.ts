import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import type { Envelope, Period, RunStatement } from '@bailiwick/contracts/receipts/receipt';
import { LIMITS } from '@bailiwick/core/limits';
import { readUnverified } from './envelope';
import { documentOf } from './human/document';
import { htmlOf } from './human/html';
import { markdownOf } from './human/markdown';
import { renderReceipt } from './render';
import { ANN, brokenAt, claimsOf, receiptOf, SealedLog, signed, statementOf, VKEY, words } from './testing/sealed-log';
import { verifyReceipt } from './verify';
import { verifyReceipt as onWeb } from './web/index';

const HOUR = 3_600_000;
const day = (n: number): Period => ({ from: `2026-01-0${n}T00:00:00.000Z`, until: `2026-01-0${n + 1}T00:00:00.000Z` });
const DAY_2 = day(2);

interface Days {
  readonly log: SealedLog;
  readonly runId: string;
  readonly grantId: string;
}

/** A run of three days that renews its lease every twelve hours; the caller acts at some hours of it. */
function threeDays(acting: Readonly<Record<number, (days: Days) => void>> = {}): Days {
  const log = new SealedLog();
  const { runId, grantId } = log.open(
    { ...ROOMY, time: { ttl: '1d', renewUntil: '9d' } },
    { requireApproval: false, agent: { class: 'monitor' } },
  );
  const days = { log, runId, grantId };
  for (let hour = 1; hour < 72; hour += 1) {
    log.now += HOUR;
    log.tickAll();
    if (hour % 12 === 0) log.do('renew', { grantId });
    acting[hour]?.(days);
  }
  return days;
}

describe('the receipt of a period', () => {
  it('contains the chain back to the person, and of the renewals before the period only the last', () => {
    const { log, runId, grantId } = threeDays({ 60: ({ log: at, grantId: of }) => void act(at, of, 'file.read') });
    const claims = claimsOf(log, runId, day(3));
    expect(claims).toMatchObject({
      period: day(3),
      requestedBy: 'ann@example.com',
      grants: [{ id: grantId }],
      renewals: [{ grantId, times: 2 }],
      actions: [{ verb: 'file.read', outcome: 'abandoned' }],
      ended: null,
    });
    const { predicate } = statementOf(log, runId, day(3));
    const renewals = predicate.events.filter(({ body }) => body.includes('"GrantRenewed"'));
    expect(renewals).toHaveLength(3);
    expect(log.events.filter(({ type }) => type === 'GrantRenewed')).toHaveLength(5);
  });

  it('leaves out what was asked, denied, revoked and scored outside it', () => {
    const deny = ({ log, grantId }: Days): void => void act(log, grantId, 'nothing', { cost: { EUR: 1 } });
    const scored = ({ log, runId }: Days): void =>
      void log.do('recordDrift', { runId, score: 0.2, features: [], monitor: 'test' });
    const child = ({ log, grantId }: Days): void => {
      const { grantId: own } = log.child(grantId);
      log.do('revokeGrant', { grantId: own, actor: ANN, payload: words({ note: 'enough' }) });
    };
    const all = (days: Days): void => [deny, scored, child].forEach((each) => each(days));
    const { log, runId } = threeDays({ 5: all, 30: all, 31: deny, 60: all });
    expect(claimsOf(log, runId, DAY_2)).toMatchObject({
      denied: [{ time: '2026-01-02T06:00:00.000Z' }, { time: '2026-01-02T07:00:00.000Z' }],
      revoked: [{ time: '2026-01-02T06:00:00.000Z' }],
      drift: { highest: 0.2, scores: 1 },
      children: [{ time: '2026-01-02T06:00:00.000Z' }],
    });
  });

  it('lists what was in flight at its ends: calls with what they reserve, child runs, and requests to a person', () => {
    let childId = '';
    const { log, runId } = threeDays({
      23: ({ log: at, runId: of, grantId }) => {
        childId = at.child(grantId, { time: { ttl: '12h' } }).runId;
        at.do('escalate', { runId: of, want: { budget: { calls: 500 } }, payload: words({ reason: 'more' }) });
        at.now += HOUR - 60_000;
        act(at, grantId, 'file.read', { cost: { USD: 7 } });
        at.now -= HOUR - 60_000;
      },
    });
    const { actionId } = log.last('ActionPermitted');
    const { approvalId } = log.last('ApprovalRequested').data;
    const [one, two] = [claimsOf(log, runId, day(1)), claimsOf(log, runId, DAY_2)];
    const flight = {
      actions: [actionId],
      reserved: { cost: { USD: 7 } },
      children: [childId],
      approvals: [approvalId],
    };
    expect(one.inFlight).toEqual({
      atStart: { actions: [], reserved: { cost: {} }, children: [], approvals: [] },
      atEnd: flight,
    });
    expect(two.inFlight?.atStart).toEqual(flight);
    expect(two).toMatchObject({
      approvals: [{ id: approvalId, verdict: 'expired' }],
      escalations: [{ approvalId, verdict: 'expired' }],
      actions: [{ id: actionId, outcome: 'abandoned' }],
      children: [{ runId: childId, ended: expect.stringContaining('expired') as string }],
    });
    expect(one).toMatchObject({ approvals: [{ id: approvalId, verdict: 'pending' }], spent: { calls: 1, cost: {} } });
  });

  it('contains a late outcome that was recorded in it, with its permit, and counts it in no period', () => {
    const { log, runId } = threeDays({
      23: ({ log: at, grantId }) => {
        at.now += HOUR / 2;
        act(at, grantId, 'file.write', { cost: { USD: 7 } });
        at.now += LIMITS.permitMs + LIMITS.outcomeMs + 60_000;
        at.tickAll();
        at.now = Date.parse('2026-01-02T00:05:00.000Z');
        at.do('settle', {
          actionId: at.last('ActionPermitted').actionId as string,
          outcome: { status: 'completed', cost: { USD: 7 }, effects: { filesChanged: ['late.txt'] } },
        });
      },
    });
    const [one, two] = [claimsOf(log, runId, day(1)), claimsOf(log, runId, DAY_2)];
    expect(one.actions).toMatchObject([{ outcome: 'abandoned' }]);
    expect(one.actions[0]).not.toHaveProperty('late');
    expect(one.filesChanged).toEqual([]);
    expect(two.actions).toMatchObject([{ outcome: 'abandoned', late: { time: '2026-01-02T00:05:00.000Z' } }]);
    expect(two).toMatchObject({ filesChanged: ['late.txt'], spent: { calls: 0, cost: {} } });
    expect(one.spent).toEqual(claimsOf(log, runId).spent);
  });

  it('does not verify with another period, with events outside it, or without one that it needs', () => {
    const { log, runId } = threeDays({ 30: ({ log: at, grantId }) => void act(at, grantId, 'file.read') });
    const good = statementOf(log, runId, DAY_2);
    const forged = (change: (predicate: RunStatement['predicate']) => void): string => {
      const statement = structuredClone(good);
      change(statement.predicate);
      const answers = [verifyReceipt, onWeb].map((verify) => brokenAt(verify(signed(statement), VKEY)));
      expect(answers[0]).toBe(answers[1]);
      return answers[0] as string;
    };
    expect(forged(() => undefined)).toBe('');
    expect(forged((predicate) => (predicate.period = day(3)))).toMatch(/the claims follow/);
    expect(forged((predicate) => delete predicate.period)).toMatch(/custody|the claims follow/);
    expect(forged((predicate) => (predicate.period = { ...DAY_2, open: true }))).toMatch(/do not follow/);
    expect(forged((predicate) => (predicate.period = { ...DAY_2, from: 'dawn' }))).toMatch(
      /malformed: predicate.period/,
    );
    expect(forged((predicate) => (predicate.events = statementOf(log, runId).predicate.events))).toMatch(/event \d+/);
    expect(forged((predicate) => predicate.events.splice(2, 1))).not.toBe('');
  });

  it('names its period in the heading of every format, and what it does not prove', () => {
    const { log, runId } = threeDays();
    const named = 'from 2026-01-02T00:00:00Z until 2026-01-03T00:00:00Z';
    const envelope: Envelope = receiptOf(log, runId, DAY_2);
    const statement = readUnverified(envelope) as RunStatement;
    const document = documentOf(statement, verifyReceipt(envelope, VKEY), VKEY);
    expect(document.title).toBe(`Receipt of monitor, ${runId}, ${named}`);
    expect(htmlOf(document).replaceAll(/<\/?time>/g, '')).toContain(`<h1>Receipt of monitor, ${runId}, ${named}</h1>`);
    expect(markdownOf(document).split('\n')[0]?.replaceAll('\\', '')).toContain(named);
    expect(renderReceipt(statement.predicate)[0]).toContain(named);
    expect(statement.predicate.doesNotProve.join('\n')).toContain(`outside the period from ${DAY_2.from}`);
    expect(markdownOf(document)).toContain('renewed 2 times in the period');
  });
});
