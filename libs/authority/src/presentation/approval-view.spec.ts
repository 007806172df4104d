import { act, NO_ARGS, only, openTestRun, REF, ROOMY, TestLog } from '../testing/harness';
import type { ApprovalNode, RunNode } from '../state/state';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { shownStatus } from './approval-status';
import { approvalView, type ApprovalFacts } from './approval-view';

const ANN = { kind: 'person', id: 'key:ann' } as const;
const ARGS = `sha256:${'a'.repeat(64)}`;
const WATCHED = { ...ROOMY, risk: { ceiling: 'high' as const, approvalFrom: 'high' as const } };

/** Builds the card of an approval request, with the payloads of its events. */
function cardOf(log: TestLog, stepUp: EventOf<'ActionStepUp'>, facts: Partial<ApprovalFacts> = {}) {
  const approval = log.state.approvals.get(stepUp.data.approvalId) as ApprovalNode;
  const replaced = log.state.approvals.get(approval.replaces ?? '');
  const run = log.state.runs.get(approval.runId) as RunNode;
  const none = {
    texts: { purpose: 'send the report', requestedBy: null, requestedByStatedBy: undefined },
    args: undefined,
    hidden: undefined,
  };
  const more = { asked: {}, decided: {}, tried: [], has: undefined, parent: undefined, refused: [] };
  return approvalView(approval, shownStatus(approval), { run, stepUp, replaced, ...none, ...more, ...facts });
}

function asked(log: TestLog, grantId: string, argsDigest = ARGS, more: object = {}): EventOf<'ActionStepUp'> {
  const action = { verb: 'http.post', effect: 'external', risk: 'high', argsDigest } as const;
  const call = { action, resource: { type: 'url', id: 'example.com/hook' }, ...more };
  return only([act(log, grantId, 'http.post', call) as Event], 'ActionStepUp');
}

describe('the card of a call', () => {
  it.each<[string, string, Partial<ApprovalFacts>, string]>([
    ['no arguments', NO_ARGS, { args: {} }, 'once, with no arguments'],
    ['arguments known only by their digest', ARGS, {}, 'only their digest is known'],
    ['arguments that an older payload shows in part', ARGS, { args: { a: 1 } }, 'of which NOT ALL is shown here'],
    [
      'how many values and characters are hidden',
      ARGS,
      { args: { a: '[redacted]' }, hidden: { values: 3, of: 5, characters: 214 } },
      'of which NOT ALL is shown: 3 of 5 values are masked or cut, 214 characters',
    ],
  ])('states %s', (_name, digest, facts, says) => {
    const log = new TestLog();
    expect(cardOf(log, asked(log, openTestRun(log, WATCHED).grantId, digest), facts).asks).toContain(says);
  });

  it('distinguishes arguments that are not stated from none', () => {
    const log = new TestLog();
    const stepUp = asked(log, openTestRun(log, WATCHED).grantId);
    const old = { ...stepUp, data: { ...stepUp.data, argsDigest: undefined } };
    expect(cardOf(log, old).asks).toContain('arguments that are NOT STATED');
  });

  it('shows each objection that the approval covers, and which of them are new', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log, WATCHED);
    const first = cardOf(log, asked(log, grantId));
    expect(first.action?.objections).toEqual([{ says: expect.stringContaining('high risk'), isNew: false }]);
    const second = cardOf(log, asked(log, grantId, ARGS, { drift: 'unavailable' }));
    expect(second.action?.objections).toEqual(
      expect.arrayContaining([
        { says: expect.stringContaining('high risk'), isNew: false },
        { says: expect.stringContaining('intent monitor'), isNew: true },
      ]),
    );
    if (process.env.PRINT) console.log(JSON.stringify([first, second], null, 1));
  });

  it('shows earlier refusals by a person: their time, person and note', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, WATCHED);
    const then = asked(log, grantId);
    log.do('decideApproval', { approvalId: then.data.approvalId, verdict: 'deny', actor: ANN });
    const approval = log.state.approvals.get(then.data.approvalId) as ApprovalNode;
    const refused = [{ approval, stepUp: then, note: 'not “today”' }];
    const at = new Date(log.now).toISOString();
    const other = cardOf(log, asked(log, grantId, `sha256:${'b'.repeat(64)}`), { refused });
    const [row] = other.refusedBefore ?? [];
    expect(row).toMatchObject({ approvalId: approval.id, by: 'key:ann', at, note: '“not ′today′”' });
    expect(row?.what).toBe('the same kind of call: http.post on “url example.com/hook”');
    log.now += 11 * 60_000;
    expect(cardOf(log, asked(log, grantId), { refused }).refusedBefore?.[0]?.what).toBe('exactly this');
  });
});

describe('the card of a lease', () => {
  const OPENED = { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF };

  it('names its permissions, and the pairs that it denies as what it may not do', () => {
    const log = new TestLog();
    const file = (match: string) => [{ type: 'file', match }];
    const grant = {
      permissions: [{ actions: ['file.read'], resources: file('docs/**') }],
      deny: [{ actions: ['file.*'], resources: file('docs/secret/**') }],
    };
    const asks = only(log.do('openRun', { ...OPENED, grant, requireApproval: true }), 'ApprovalRequested');
    const approval = log.state.approvals.get(asks.data.approvalId) as ApprovalNode;
    const texts = { purpose: 'read', requestedBy: null, requestedByStatedBy: undefined };
    const none = {
      stepUp: undefined,
      replaced: undefined,
      args: undefined,
      hidden: undefined,
      has: undefined,
      parent: undefined,
    };
    const run = log.state.runs.get(approval.runId) as RunNode;
    const card = approvalView(approval, shownStatus(approval), {
      run,
      texts,
      ...none,
      asked: {},
      decided: {},
      tried: [],
      refused: [],
    });
    expect(card.may).toContain('permissions: only file.read on file docs/**');
    expect(card.may.filter((each) => each.startsWith('deny'))).toEqual([]);
    expect(card.mayNot).toContain('never file.* on file docs/secret/**');
  });
});
