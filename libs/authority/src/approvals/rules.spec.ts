import fc from 'fast-check';
import type { ApprovalRule } from '@bailiwick/contracts/policy/approval-rule';
import { approvalRulesOf, compileApprovalRules, type Question } from './approval-rules';
import { peopleWith, shownTerms } from './terms';
import {
  ADA,
  answer,
  ask,
  askedFor,
  BEN,
  CAM,
  CAREFUL,
  decide,
  noted,
  payment,
  person,
  rule,
  SHARED,
  outcomeOf,
} from '../testing/approvers';
import { only, openTestRun, REF, ROOMY, TestLog } from '../testing/harness';
import { deploy } from '../testing/policies';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { stateDigest } from '../state/digest';

const MINUTE = 60_000;
const QUESTION: Question = {
  kind: 'action',
  agentClass: 'worker',
  risk: 'high',
  verb: 'payment.send',
  effects: ['external'],
  cost: { USD: 500 },
};
const first = (question: Partial<Question>, ...rules: ApprovalRule[]): string | undefined =>
  approvalRulesOf(rules)?.of({ ...QUESTION, ...question })?.name;

describe('the rules about approvals of a policy', () => {
  it('select by verb, class, risk, effect, kind and cost; the first that selects decides', () => {
    const rules: ApprovalRule[] = [
      { name: 'small', verbs: ['payment.*'], cost: { USD: 1_000 } },
      { name: 'large', verbs: ['payment.*'], needed: 2 },
      { name: 'bots', classes: ['bot'] },
      { name: 'undone', risk: ['irreversible'] },
      { name: 'reads', effects: ['read'] },
      { name: 'leases', kinds: ['grant', 'escalation'] },
    ];
    expect(first({}, ...rules)).toBe('small');
    expect(first({ cost: { USD: 1_001 } }, ...rules)).toBe('large');
    expect(first({ cost: { EUR: 1 } }, ...rules)).toBe('large');
    expect(first({ verb: 'file.read', agentClass: 'bot' }, ...rules)).toBe('bots');
    expect(first({ verb: 'file.read', risk: 'irreversible' }, ...rules)).toBe('undone');
    expect(first({ verb: 'file.read', effects: ['read'] }, ...rules)).toBe('reads');
    expect(first({ verb: 'file.read', effects: ['read', 'external'] }, ...rules)).toBeUndefined();
    expect(first({ kind: 'grant', verb: undefined, effects: [] }, ...rules)).toBe('leases');
  });

  it('are refused with a double name, a rule that is never reached, or more people than there are', () => {
    const faults = (...rules: ApprovalRule[]) => {
      const compiled = compileApprovalRules(rules);
      return compiled.ok ? [] : compiled.error.map(({ entry, path, message }) => [entry, path.join('.'), message]);
    };
    expect(faults({ name: 'a', risk: ['high'] }, { name: 'a' })).toEqual([[1, 'name', 'a is also another rule']]);
    expect(faults({ name: 'a' }, { name: 'b', risk: ['high'] })).toEqual([
      [1, '', 'b is never reached: an earlier rule selects every request'],
    ]);
    expect(faults({ name: 'a', by: { people: ['user:a', 'User:A'] }, needed: 2 })).toEqual([
      [0, 'needed', '2 people are needed, and by names 1'],
    ]);
    expect(faults({ name: 'a', verbs: ['***'] })).toHaveLength(1);
    expect(faults({ name: 'a', kinds: ['grant'], verbs: ['a.b'] })).toHaveLength(1);
    expect(faults({ name: 'a', scopes: ['run'] })).toHaveLength(1);
  });

  it('let no person approve by a rule with a pattern that this release cannot read', () => {
    const rules = approvalRulesOf([{ name: 'a', verbs: ['***'] }, { name: 'b' }]);
    expect(rules?.of(QUESTION)).toMatchObject({ name: 'a', by: { people: [] } });
  });
});

describe('who may approve', () => {
  it('is each approver, alone, under a policy without rules about approvals', () => {
    const log = new TestLog();
    const { approvalId } = askedFor(log);
    expect(outcomeOf(answer(log, approvalId, SHARED)).type).toBe('ApprovalGiven');
  });

  it('is a person, a member of a group or a holder of a role that the policy names, and the refusal names them', () => {
    const log = new TestLog();
    rule(log, { name: 'payments', by: { people: [ADA.id], groups: ['finance'] } });
    const { approvalId, grantId } = askedFor(log);
    const refused = outcomeOf(answer(log, approvalId, SHARED));
    expect(refused.type).toBe('FORBIDDEN');
    expect(refused.detail).toBe(
      'key:approver may not approve this: the rule payments of the policy requires user:ada@example.com, or a member of finance',
    );
    expect(outcomeOf(answer(log, approvalId, { ...ADA, id: 'user:Ada@Example.com' })).type).toBe('ApprovalGiven');
    const second = ask(log, grantId, payment(600)).data.approvalId;
    expect(outcomeOf(answer(log, second, BEN)).type).toBe('ApprovalGiven');
  });

  it('is no person if no rule selects the request; denying is always possible', () => {
    const log = new TestLog();
    rule(log, { name: 'small', cost: { USD: 100 } });
    const { approvalId } = askedFor(log);
    expect(outcomeOf(answer(log, approvalId, ADA))).toMatchObject({
      type: 'FORBIDDEN',
      detail: expect.stringContaining('no person can approve it'),
    });
    expect(outcomeOf(answer(log, approvalId, ADA, { verdict: 'deny' })).type).toBe('ApprovalGiven');
  });

  it('is decided by the policy in force at the answer', () => {
    const log = new TestLog();
    const { approvalId } = askedFor(log);
    rule(log, { name: 'finance', by: { groups: ['finance'] } });
    expect(outcomeOf(answer(log, approvalId, ADA)).type).toBe('FORBIDDEN');
    expect(outcomeOf(answer(log, approvalId, BEN)).type).toBe('ApprovalGiven');
  });
});

describe('several people', () => {
  const TWO: ApprovalRule = { name: 'two', needed: 2 };

  it('are counted by different ones, and the request stays pending until the last', () => {
    const log = new TestLog();
    rule(log, TWO);
    const { approvalId, grantId } = askedFor(log);
    expect(outcomeOf(answer(log, approvalId, ADA)).type).toBe('ApprovalAnswered');
    const node = log.state.approvals.get(approvalId);
    expect(node && shownTerms(log.state, node)).toMatchObject({ given: 1, needed: 2 });
    expect(decide(log, grantId, { ...payment(), approvalId }).type).toBe('ActionStepUp');
    expect(outcomeOf(answer(log, approvalId, BEN)).type).toBe('ApprovalGiven');
    const permit = only([decide(log, grantId, { ...payment(), approvalId })], 'ActionPermitted');
    expect(permit.data.reasons.at(-1)?.message).toBe(`approved by ${ADA.id} and ${BEN.id}`);
  });

  it('are not one person with two keys, nor one in another spelling', () => {
    const log = new TestLog();
    rule(log, TWO);
    const { approvalId } = askedFor(log);
    answer(log, approvalId, ADA);
    for (const id of [ADA.id, 'USER:ADA@example.com', 'user:ada\u200b@example.com'])
      expect(outcomeOf(answer(log, approvalId, { ...ADA, id, role: 'admin' }))).toMatchObject({
        type: 'ALREADY_DECIDED',
        detail: expect.stringContaining('1 more people must'),
      });
    expect(log.state.approvals.get(approvalId)?.status).toBe('pending');
  });

  it('are overruled by one denial, also of a person that approved before', () => {
    const log = new TestLog();
    rule(log, TWO);
    const { approvalId } = askedFor(log);
    answer(log, approvalId, ADA);
    expect(outcomeOf(answer(log, approvalId, ADA, { verdict: 'deny' })).type).toBe('ApprovalGiven');
    expect(log.state.approvals.get(approvalId)?.status).toBe('denied');
  });

  it('may have to deny, if the policy states so; only those that could approve count', () => {
    const log = new TestLog();
    rule(log, { name: 'two', needed: 2, denials: 2, by: { groups: ['finance'] } });
    const { approvalId } = askedFor(log);
    expect(outcomeOf(answer(log, approvalId, ADA, { verdict: 'deny' })).type).toBe('FORBIDDEN');
    expect(outcomeOf(answer(log, approvalId, BEN, { verdict: 'deny' })).type).toBe('ApprovalAnswered');
    expect(outcomeOf(answer(log, approvalId, CAM, { verdict: 'deny' })).type).toBe('ApprovalGiven');
  });

  it('apply to a request that is pending when a stricter policy is deployed', () => {
    const log = new TestLog();
    rule(log, { name: 'two', needed: 2 });
    const { approvalId } = askedFor(log);
    answer(log, approvalId, ADA);
    rule(log, { name: 'three', needed: 3 });
    expect(outcomeOf(answer(log, approvalId, BEN)).type).toBe('ApprovalAnswered');
    expect(outcomeOf(answer(log, approvalId, CAM)).type).toBe('ApprovalGiven');
  });

  it('are all approvers of the run, of its lease, a raise or a call, except who denied or left', () => {
    const log = new TestLog();
    rule(log, TWO);
    const { approvalId, grantId, runId } = askedFor(log);
    const approvers = () => log.state.runs.get(runId)?.approvers;
    answer(log, approvalId, ADA);
    expect(approvers()).toBeUndefined();
    answer(log, approvalId, BEN);
    expect(approvers()).toEqual([ADA.id, BEN.id]);
    rule(log, { name: 'one' });
    answer(log, ask(log, grantId, payment(600)).data.approvalId, CAM, { verdict: 'deny' });
    expect(approvers()).toEqual([ADA.id, BEN.id]);
    const raise = log.do('escalate', { actor: { kind: 'run', id: runId }, runId, want: { budget: { calls: 900 } } });
    answer(log, only(raise, 'ApprovalRequested').data.approvalId, CAM);
    expect(approvers()).toEqual([ADA.id, BEN.id, CAM.id]);
    expect(fromSnapshot(toSnapshot(log.state)).runs.get(runId)?.approvers).toEqual(approvers());
  });

  it('leave a lease that is as small as the smallest that one of them gave', () => {
    const log = new TestLog();
    rule(log, TWO);
    const opened = log.do('openRun', {
      agent: { class: 'worker' },
      principalRef: REF,
      purposeRef: REF,
      grant: ROOMY,
      requireApproval: true,
    });
    const { approvalId } = only(opened, 'ApprovalRequested').data;
    answer(log, approvalId, ADA, { grant: { budget: { calls: 7 } } });
    const wider = outcomeOf(answer(log, approvalId, BEN, { grant: { budget: { calls: 50 } } }));
    expect(wider.type).not.toBe('ApprovalGiven');
    const events = answer(log, approvalId, BEN);
    expect('events' in events && only(events.events, 'GrantIssued').data.limits.budget.calls).toBe(7);
  });

  it('count as in any order of answers of any people: the different eligible ones whose last answer approves', () => {
    const people = [ADA, BEN, CAM, person('dee'), { ...ADA, id: 'User:ADA@example.com' }];
    const answers = fc.array(
      fc.record({ who: fc.nat(people.length - 1), verdict: fc.constantFrom('approve' as const, 'deny' as const) }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(answers, (given) => {
        const all = given.map(({ who, verdict }, i) => ({
          ...{ verdict, at: i, position: i },
          by: people[who]?.id ?? '',
          groups: people[who]?.groups ?? [],
        }));
        const last = new Map(all.map((each) => [each.by.toLowerCase(), each]));
        const expected = [...last.values()].filter(
          (each) => each.verdict === 'approve' && each.groups.includes('finance'),
        );
        expect(peopleWith(all, 'approve', { groups: ['finance'] })).toHaveLength(expected.length);
      }),
    );
  });
});

describe('no person approves what they asked for', () => {
  it('whether they opened the run or a run above it, under any key and in any spelling', () => {
    const log = new TestLog();
    const opened = log.do('openRun', {
      agent: { class: 'worker' },
      principalRef: REF,
      purposeRef: REF,
      grant: CAREFUL,
      actor: { kind: 'service', id: ADA.id, role: 'orchestrator' },
    });
    const { grantId = '' } = only(opened, 'GrantIssued');
    const child = only(
      log.do('delegate', { grantId, agent: { class: 'helper' }, purposeRef: REF, grant: {}, actor: SHARED }),
      'GrantIssued',
    );
    const { approvalId } = ask(log, child.grantId as string).data;
    expect(outcomeOf(answer(log, approvalId, { ...ADA, id: 'user:ADA@example.com' })).type).toBe('FORBIDDEN');
    expect(outcomeOf(answer(log, approvalId, SHARED)).type).toBe('FORBIDDEN');
    expect(outcomeOf(answer(log, approvalId, BEN)).type).toBe('ApprovalGiven');
  });

  it('or the run works in their name', () => {
    const log = new TestLog();
    const { approvalId } = askedFor(log);
    expect(outcomeOf(answer(log, approvalId, ADA, { actorRef: REF })).type).toBe('FORBIDDEN');
    expect(outcomeOf(answer(log, approvalId, ADA, { actorRef: `ref_${'1'.repeat(26)}` })).type).toBe('ApprovalGiven');
  });

  it('nor, where the policy requires four eyes, what is asked under a lease that they approved', () => {
    const log = new TestLog();
    rule(log, { name: 'all', fourEyes: true });
    const { approvalId: lease } = only(
      log.do('openRun', {
        agent: { class: 'worker' },
        principalRef: REF,
        purposeRef: REF,
        grant: CAREFUL,
        requireApproval: true,
      }),
      'ApprovalRequested',
    ).data;
    const given = answer(log, lease, ADA);
    const { grantId = '' } = only('events' in given ? given.events : [], 'GrantIssued');
    const { approvalId } = ask(log, grantId).data;
    expect(outcomeOf(answer(log, approvalId, ADA)).type).toBe('FORBIDDEN');
    expect(outcomeOf(answer(log, approvalId, BEN)).type).toBe('ApprovalGiven');
  });
});

describe('times of the policy', () => {
  it('end the wait for an answer, also for a request that was made before', () => {
    const log = new TestLog();
    rule(log, { name: 'quick', expires: '30m' });
    const { approvalId } = askedFor(log);
    expect(log.state.approvals.get(approvalId)?.expiresAt).toBe(log.now + 30 * MINUTE);
    rule(log, { name: 'quicker', expires: '10m' });
    log.now += 10 * MINUTE;
    expect(outcomeOf(answer(log, approvalId, ADA)).type).toBe('ALREADY_DECIDED');
  });

  it.each([
    ['longer', '30m', 29, 31],
    ['shorter', '2m', 1, 3],
  ])(
    'deny the same call for a %s time after a refusal, and then a person is asked again',
    (_how, coolDown, within, after) => {
      const log = new TestLog();
      rule(log, { name: 'all', coolDown });
      const { approvalId, grantId } = askedFor(log);
      const start = log.now;
      answer(log, approvalId, ADA, { verdict: 'deny' });
      log.now = start + within * MINUTE;
      const denied = only([decide(log, grantId)], 'ActionDenied');
      expect(denied.data.reasons.at(-1)).toMatchObject({
        code: 'REFUSED_BY_PERSON',
        message: expect.stringContaining(ADA.id),
      });
      expect(stateDigest(fromSnapshot(toSnapshot(log.state)))).toBe(stateDigest(log.state));
      log.now = start + after * MINUTE;
      expect(decide(log, grantId).type).toBe('ActionStepUp');
    },
  );
});

it('a refused request for a first lease is refused without asking, longer than its tree is remembered', () => {
  const log = new TestLog();
  rule(log, { name: 'all', coolDown: '24h' });
  const open = () =>
    log.try('openRun', {
      ...{ agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant: ROOMY, requireApproval: true },
    });
  const asked = open();
  const { approvalId } = only('events' in asked ? asked.events : [], 'ApprovalRequested').data;
  answer(log, approvalId, ADA, { verdict: 'deny' });
  log.now += 23 * 60 * MINUTE;
  openTestRun(log); // an event, with which the tree is forgotten
  expect(log.state.approvals.has(approvalId)).toBe(false);
  expect(outcomeOf(open()).type).toBe('REFUSED_BY_PERSON');
  log.now += 60 * MINUTE;
  expect(outcomeOf(open()).type).toBe('RunOpened');
});

describe('breaking the glass', () => {
  const RULE: ApprovalRule = { name: 'all', needed: 2, breakGlass: { groups: ['on-call'] } };

  it('approves alone with a reason, and its event is marked', () => {
    const log = new TestLog();
    rule(log, RULE);
    const { approvalId, grantId } = askedFor(log);
    expect(outcomeOf(answer(log, approvalId, CAM, { breakGlass: true })).type).toBe('BAD_REQUEST');
    expect(outcomeOf(answer(log, approvalId, CAM, { breakGlass: true, payload: noted(' ') })).type).toBe('BAD_REQUEST');
    expect(outcomeOf(answer(log, approvalId, BEN, { breakGlass: true, payload: noted('fire') })).type).toBe(
      'FORBIDDEN',
    );
    const given = answer(log, approvalId, CAM, { breakGlass: true, payload: noted('fire') });
    expect('events' in given && only(given.events, 'ApprovalGiven').data.breakGlass).toBe(true);
    expect(decide(log, grantId, { ...payment(), approvalId }).type).toBe('ActionPermitted');
  });

  it('needs a policy that permits it, and never approves what the person asked for', () => {
    const log = new TestLog();
    const emergency = { breakGlass: true, payload: noted('fire') } as const;
    const { approvalId } = askedFor(log);
    expect(outcomeOf(answer(log, approvalId, CAM, emergency)).type).toBe('FORBIDDEN');
    rule(log, RULE);
    expect(outcomeOf(answer(log, approvalId, CAM, { ...emergency, actorRef: REF })).type).toBe('FORBIDDEN');
  });
});

describe('an approval that is not used yet', () => {
  it('is asked for again if the policy in force requires more or other people', () => {
    const log = new TestLog();
    const { approvalId, grantId } = askedFor(log);
    answer(log, approvalId, ADA);
    rule(log, { name: 'two', needed: 2 });
    const again = only([decide(log, grantId, { ...payment(), approvalId })], 'ActionStepUp');
    expect(again.data.approvalId).not.toBe(approvalId);
    expect(again.data.reasons.at(-1)?.code).toBe('APPROVERS_NOT_ENOUGH');
    deploy(log, { approvals: [{ name: 'ada', by: { people: [ADA.id] } }] });
    expect(decide(log, grantId, { ...payment(), approvalId }).type).toBe('ActionPermitted');
  });

  it('does not cover other arguments, and is used once', () => {
    const log = new TestLog();
    const { approvalId, grantId } = askedFor(log);
    answer(log, approvalId, ADA);
    const swapped = payment(500, { approvalId });
    const action = { ...swapped.action, verb: 'payment.send', argsDigest: `sha256:${'b'.repeat(64)}` };
    expect(decide(log, grantId, { ...swapped, action }).type).toBe('ActionDenied');
    expect(decide(log, grantId, { ...payment(), approvalId }).type).toBe('ActionPermitted');
    expect(decide(log, grantId, { ...payment(), approvalId }).type).toBe('ActionDenied');
  });
});

describe('an approval of a call whose lease was revoked', () => {
  const revoke = (log: TestLog, grantId: string): void => void log.do('revokeGrant', { grantId });

  it('is not given afterwards', () => {
    const log = new TestLog();
    const { approvalId, grantId } = askedFor(log);
    revoke(log, grantId);
    expect(outcomeOf(answer(log, approvalId, ADA)).type).toBe('GRANT_NOT_LIVE');
  });

  it('permits nothing if it was given before', () => {
    const log = new TestLog();
    const { approvalId, grantId } = askedFor(log);
    answer(log, approvalId, ADA);
    revoke(log, grantId);
    expect(decide(log, grantId, { ...payment(), approvalId }).type).toBe('ActionDenied');
  });
});

describe('the state of requests', () => {
  it('has the same answers and openers after a snapshot', () => {
    const log = new TestLog();
    rule(log, { name: 'two', needed: 2 });
    openTestRun(log);
    const { approvalId } = askedFor(log);
    answer(log, approvalId, ADA);
    const read = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(read)).toBe(stateDigest(log.state));
    expect(read.approvals.get(approvalId)?.answers).toEqual(log.state.approvals.get(approvalId)?.answers);
  });
});
