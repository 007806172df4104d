import fc from 'fast-check';
import type { ApprovalRule } from '@bailiwick/contracts/policy/approval-rule';
import { judgeBy, SEQUENCES } from '@bailiwick/trajectory/sequence-rules';
import { alikeOf } from './alike';
import {
  ADA,
  answer,
  ask,
  askedFor,
  BEN,
  CAREFUL,
  decide,
  payment,
  rule,
  outcomeOf,
  type Call,
} from '../testing/approvers';
import { act, only, openTestRun, REF, TestLog } from '../testing/harness';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { stateDigest } from '../state/digest';

const OTHER_ARGS = `sha256:${'b'.repeat(64)}`;
const call = (cents: number, over: Record<string, unknown> = {}, resource = { type: 'account', id: 'acme' }): Call =>
  payment(cents, {
    action: { verb: 'payment.send', effect: 'external', risk: 'high', argsDigest: OTHER_ARGS, ...over },
    resource,
  });

/** A run with an approval of a scope. */
function approvedFor(scope: 'target' | 'run', log = new TestLog()) {
  const { grantId, runId, approvalId } = askedFor(log);
  expect(outcomeOf(answer(log, approvalId, ADA, { scope })).type).toBe('ApprovalGiven');
  return { log, grantId, runId, approvalId };
}

describe('an approval of a target', () => {
  it('permits further calls of the same verb on it, each of which names it', () => {
    const { log, grantId, approvalId } = approvedFor('target');
    for (const cents of [500, 1, 0]) {
      const permit = only([decide(log, grantId, call(cents))], 'ActionPermitted');
      expect(permit.data.approvalId).toBe(approvalId);
      expect(permit.data.reasons.at(-1)?.message).toBe(`approved by ${ADA.id} for the target (${approvalId})`);
    }
  });

  it.each([
    ['a larger amount', call(501)],
    ['another currency', call(0, {}), { cost: { EUR: 1 } }],
    ['a stricter risk', call(1, { risk: 'irreversible' })],
    ['another tool', call(1, { tool: 'mcp__bank__pay' })],
    ['another verb', call(1, { verb: 'payment.refund' })],
    ['another target', call(1, {}, { type: 'account', id: 'acme2' })],
    ['a target in another case', call(1, {}, { type: 'account', id: 'Acme' })],
    ['a target with a look-alike letter', call(1, {}, { type: 'account', id: 'аcme' })],
    ['a part of the target', call(1, {}, { type: 'account', id: 'acme/sub' })],
    ['a target of another type', call(1, {}, { type: 'wallet', id: 'acme' })],
  ] as [string, Call, Call?][])('does not permit %s', (_what, asked, more = {}) => {
    const { log, grantId } = approvedFor('target');
    const { type } = tryDecide(log, grantId, { ...asked, ...more });
    expect(type).not.toBe('ActionPermitted');
  });

  it('does not permit a call of another run, nor one without stated arguments', () => {
    const { log, grantId, approvalId } = approvedFor('target');
    const other = openTestRun(log, CAREFUL);
    expect(decide(log, other.grantId, call(1)).type).toBe('ActionStepUp');
    expect(decide(log, other.grantId, { ...call(1), approvalId }).type).toBe('ActionDenied');
    expect(decide(log, grantId, call(1, { argsDigest: undefined })).type).toBe('ActionDenied');
  });

  it('does not cover an objection that its card did not show', () => {
    const { log, grantId } = approvedFor('target', new TestLog(judgeBy(SEQUENCES)));
    act(log, grantId, 'web.get', { action: { verb: 'web.get', effect: 'read' }, labels: ['untrusted'] });
    act(log, grantId, 'file.read', { labels: ['private'] });
    const again = only([decide(log, grantId, call(1))], 'ActionStepUp');
    expect(again.data.reasons.some(({ code }) => code === 'OBJECTIONS_ADDED')).toBe(true);
  });

  it('ends when a person withdraws it, with its lease, and under a policy that does not permit it', () => {
    const { log, grantId, approvalId } = approvedFor('target');
    rule(log, { name: 'calls' });
    expect(decide(log, grantId, call(1)).type).toBe('ActionStepUp');
    rule(log, { name: 'targets', scopes: ['call', 'target'] });
    expect(decide(log, grantId, call(1)).type).toBe('ActionPermitted');
    expect(outcomeOf(answer(log, approvalId, BEN, { verdict: 'deny' })).type).toBe('ApprovalWithdrawn');
    expect(decide(log, grantId, call(2)).type).toBe('ActionStepUp');
    expect(decide(log, grantId, { ...call(2), approvalId }).type).toBe('ActionDenied');
  });

  it('is the same after a snapshot', () => {
    const { log } = approvedFor('target');
    expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
  });
});

describe('an approval of a run', () => {
  it('permits the verb on each resource of the type', () => {
    const { log, grantId, approvalId } = approvedFor('run');
    const permit = only([decide(log, grantId, call(1, {}, { type: 'account', id: 'other' }))], 'ActionPermitted');
    expect(permit.data.approvalId).toBe(approvalId);
    expect(decide(log, grantId, call(1, {}, { type: 'wallet', id: 'other' })).type).toBe('ActionStepUp');
  });
});

describe('the scope of an approval', () => {
  it('is refused beyond the policy, for what is irreversible, for a lease and with a denial', () => {
    const log = new TestLog();
    const { approvalId } = askedFor(log);
    expect(outcomeOf(answer(log, approvalId, ADA, { verdict: 'deny', scope: 'run' })).type).toBe('BAD_REQUEST');
    rule(log, { name: 'targets', scopes: ['call', 'target'] });
    expect(outcomeOf(answer(log, approvalId, ADA, { scope: 'run' })).type).toBe('FORBIDDEN');
    expect(outcomeOf(answer(log, approvalId, ADA, { scope: 'target' })).type).toBe('ApprovalGiven');
  });

  it('is the narrowest that one of several people gave', () => {
    const WIDE: ApprovalRule = { name: 'two', needed: 2, scopes: ['call', 'target', 'run'] };
    const scope = fc.constantFrom('call' as const, 'target' as const, 'run' as const);
    fc.assert(
      fc.property(scope, scope, (one, two) => {
        const log = new TestLog();
        rule(log, WIDE);
        const { approvalId } = askedFor(log);
        answer(log, approvalId, ADA, { scope: one });
        answer(log, approvalId, BEN, { scope: two });
        const order = ['call', 'target', 'run'];
        const narrowest = order[Math.min(order.indexOf(one), order.indexOf(two))];
        expect(log.state.approvals.get(approvalId)?.scope ?? 'call').toBe(narrowest);
      }),
      { numRuns: 12 },
    );
  });
});

it('of what is irreversible is the call alone', () => {
  const log = new TestLog();
  const grant = { ...CAREFUL, risk: { ceiling: 'irreversible' } } as const;
  const asked = log.do('openRun', { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant });
  const given = answer(log, only(asked, 'ApprovalRequested').data.approvalId, BEN);
  const { grantId = '' } = only('events' in given ? given.events : [], 'GrantIssued');
  const { approvalId } = ask(log, grantId, call(1, { risk: 'irreversible' })).data;
  expect(outcomeOf(answer(log, approvalId, ADA, { scope: 'target' })).type).toBe('FORBIDDEN');
  expect(outcomeOf(answer(log, approvalId, ADA)).type).toBe('ApprovalGiven');
});

describe('requests that are alike', () => {
  it('are counted with their sum', () => {
    const log = new TestLog();
    const { approvalId, grantId } = askedFor(log);
    const node = () => log.state.approvals.get(approvalId);
    expect(alikeOf(log.state, node() as never)).toBeUndefined();
    ask(log, grantId, call(250, {}, { type: 'account', id: 'other' }));
    ask(log, grantId, call(9, { verb: 'payment.refund' }));
    expect(alikeOf(log.state, node() as never)).toEqual({ count: 2, cost: { USD: 750 } });
  });
});

/** Decides a call that may be refused as malformed. */
function tryDecide(log: TestLog, grantId: string, asked: Call): { type: string } {
  try {
    return decide(log, grantId, asked);
  } catch (error) {
    return { type: (error as Error).message };
  }
}
