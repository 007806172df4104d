import { act } from '@bailiwick/authority/testing/harness';
import type { Event } from '@bailiwick/contracts/events/event';
import { custodyOf, isOnlyOpen } from './custody';
import { renderCustody } from './render';
import { ARGS } from './testing/busy-run';
import { approved, Forger, raise, rule } from './testing/forger';
import { ANN, brokenAt, NAME, prover, signed, statementOf, VKEY, words } from './testing/sealed-log';
import { verifyReceipt } from './verify';

const HOUR = 3_600_000;
const later = (event: Event, ms: number): string => new Date(Date.parse(event.time) + ms).toISOString();

const FORGERIES: readonly [what: string, forge: (of: Forger) => void, finding: RegExp][] = [
  // approvals
  [
    'an approval that was not given',
    (of) => of.drop(of.the('ApprovalGiven')),
    /^approval \S+ is named but was not given before it was used$/,
  ],
  ['an approval without a request', (of) => of.drop(of.the('ApprovalRequested')), /was not given before/],
  ['an approval that a person denied', (of) => (of.the('ApprovalGiven').data.verdict = 'deny'), /was not given before/],
  [
    'an approval that expired',
    (of) => Object.assign(of.the('ApprovalGiven'), { type: 'ApprovalExpired' }),
    /was not given before/,
  ],
  [
    'an approval given after its use',
    (of) => of.move(of.the('ApprovalGiven'), of.the('ActionCompleted')),
    /was not given before/,
  ],
  [
    'an approval given before it was asked for',
    (of) => of.move(of.the('ApprovalGiven'), of.the('ApprovalRequested')),
    /not given between its request and its expiry \(I8\)$/,
  ],
  [
    'an approval given after its time',
    (of) => (of.the('ApprovalRequested').data.expiresAt = of.the('ApprovalGiven').time),
    /not given between its request and its expiry/,
  ],
  [
    'an approval used after its time',
    (of) => (of.the('ActionPermitted').time = later(of.the('ApprovalGiven'), HOUR)),
    /was used too late \(I8\)$/,
  ],
  [
    'an approval given by a run',
    (of) => (of.the('ApprovalGiven').actor = { kind: 'run', id: of.child.runId }),
    /was given by no person \(I8\)$/,
  ],
  [
    'an approval given by the system',
    (of) => (of.the('ApprovalGiven').actor = { kind: 'system', id: 'intent' }),
    /was given by no person/,
  ],
  [
    'an approval used before',
    (of) => of.before(of.the('ActionPermitted'), of.copy(of.the('ActionPermitted'), { actionId: 'act_0_other' })),
    /had been used before \(I8\)$/,
  ],
  [
    'an approval of the root lease that was not given',
    (of) => of.drop(of.the('ApprovalGiven', 0)),
    /was not given before/,
  ],
  [
    'an approval of the root lease for other limits',
    (of) => (of.the('GrantIssued', 0).data.limits.budget.calls += 1),
    /was given for something else than what it was used for \(I8\)$/,
  ],
  [
    'an approval of the root lease by a run',
    (of) => (of.the('ApprovalGiven', 0).actor = { kind: 'run', id: of.child.runId }),
    /was given by no person/,
  ],
  ...(['verb', 'tool', 'argsDigest', 'effect'] as const).map((part): [string, (of: Forger) => void, RegExp] => [
    `an approval of another ${part}`,
    (of) => Object.assign(of.the('ActionPermitted').data, { [part]: 'other' }),
    /something else/,
  ]),
  ['an approval of another resource', (of) => (of.the('ActionPermitted').data.resource.id = 'other'), /something else/],
  [
    'an approval of other attributes',
    (of) => (of.the('ActionPermitted').data.resource.attributes = { sensitivity: 'secret' }),
    /something else/,
  ],
  [
    'an approval of a call that another party stated',
    (of) => (of.the('ActionPermitted').data.stated = 'run'),
    /something else/,
  ],
  [
    'an approval of a call with other effects',
    (of) => (of.the('ActionPermitted').data.effects = ['write', 'external']),
    /something else/,
  ],
  ['an approval of another cost', (of) => (of.the('ActionPermitted').data.charge.cost.USD = 300), /something else/],
  [
    'an approval that was asked for another call',
    (of) => (of.the('ApprovalRequested').data.binding = `sha256:${'0'.repeat(64)}`),
    /something else/,
  ],
  // the chain of grants
  [
    'a grant whose issue is missing',
    (of) => of.drop(of.the('GrantIssued')),
    /^grant \S+ is named but its issue is missing$/,
  ],
  [
    'a root grant whose issue is missing',
    (of) => of.drop(of.the('GrantIssued', 0)),
    /is named but its issue is missing/,
  ],
  [
    'a grant issued after its use',
    (of) => of.move(of.the('GrantIssued'), undefined),
    /was issued after what rests on it$/,
  ],
  [
    'a root grant issued after its child',
    (of) => of.move(of.the('GrantIssued', 0), undefined),
    /was issued after what rests on it$/,
  ],
  [
    'a grant that rests on itself',
    (of) => (of.the('GrantIssued').data.parentId = of.child.grantId),
    /was issued after what rests on it$/,
  ],
  [
    'a grant of another run',
    (of) => (of.the('ActionPermitted').runId = of.the('RunOpened', 0).runId),
    /is of another run/,
  ],
  [
    'a run that was not opened by a run of the chain',
    (of) => (of.the('RunOpened').data.parentRunId = of.child.runId),
    /is of another run/,
  ],
  ['a run whose opening is missing', (of) => of.drop(of.the('RunOpened')), /is of another run/],
  [
    'a run opened after its lease was issued',
    (of) => of.move(of.the('RunOpened'), undefined),
    /was issued before the run that holds it was opened$/,
  ],
  ['a root run whose opening is missing', (of) => of.drop(of.the('RunOpened', 0)), /no principal can be named$/],
  [
    'a root run that was opened by another run',
    (of) => (of.the('RunOpened', 0).data.parentRunId = of.child.runId),
    /^the chain of grants ends at a run that another run made$/,
  ],
  // dead grants
  ...(['GrantRevoked', 'GrantExpired', 'GrantExhausted', 'RunCompleted', 'GrantSuspended'] as const).flatMap(
    (type): [string, (of: Forger) => void, RegExp][] => [
      [
        `a permit after ${type} of its grant`,
        (of) => of.before(of.the('ActionPermitted'), of.about(of.child.grantId, type, {})),
        new RegExp(`^it was permitted after ${type} of grant \\S+ \\(I2\\)$`),
      ],
      [
        `a permit after ${type} of its root`,
        (of) => of.before(of.the('ActionPermitted'), of.about(of.root, type, {})),
        new RegExp(`after ${type} of grant`),
      ],
    ],
  ),
  [
    'a grant resumed after its revocation',
    (of) =>
      of.before(
        of.the('ActionPermitted'),
        of.about(of.root, 'GrantRevoked', {}),
        of.about(of.root, 'GrantResumed', {}),
      ),
    /after GrantRevoked of grant/,
  ],
  [
    'a permit after a rule had struck',
    (of) => of.before(of.the('ActionPermitted'), rule(of, { agentClass: 'helper' })),
    /^it was permitted after rev_0_forged had revoked grant \S+ \(I2\)$/,
  ],
  [
    'a permit while a suspension by selector applied',
    (of) => of.before(of.the('ActionPermitted'), rule(of, { agentClass: 'helper' }, { mode: 'suspend' })),
    /^it was permitted after rev_0_forged had suspended grant \S+ \(I2\)$/,
  ],
  [
    'a permit after a rule had struck an ancestor',
    (of) => of.before(of.the('ActionPermitted'), rule(of, { agentClass: 'worker', tool: 'thing.delete' })),
    /had revoked grant/,
  ],
  [
    'a permit after its lease was over',
    (of) => (of.the('GrantIssued').data.limits.time.expiresAt = of.the('ActionPermitted').time),
    /^it was permitted outside the time of grant/,
  ],
  [
    'a permit before its lease started',
    (of) => (of.the('GrantIssued').data.limits.time.notBefore = later(of.the('ActionPermitted'), 1)),
    /^it was permitted outside the time of grant/,
  ],
  [
    'a lease raised after it was revoked',
    (of) => raise(of, of.about(of.child.grantId, 'GrantRevoked', {})),
    /^grant grt_0_raised took the place of one that had ended: GrantRevoked of grant \S+ \(I2\)$/,
  ],
  [
    'a lease raised after a rule had struck it',
    (of) => raise(of, rule(of, { agentClass: 'helper' })),
    /took the place of one that had ended: rev_0_forged/,
  ],
  [
    'a raised lease that does not name the lease it supersedes',
    (of) => {
      raise(of, of.about(of.child.grantId, 'GrantRevoked', {}));
      delete of.the('GrantIssued').data.supersedes;
      of.the('ActionPermitted').grantId = of.child.grantId;
    },
    /after GrantRevoked of grant/,
  ],
  // decisions and outcomes
  ['a decision that is missing', (of) => of.drop(of.the('ActionPermitted')), /^the decision on \S+ is missing$/],
  [
    'two decisions',
    (of) => of.before(of.the('ActionPermitted'), of.copy(of.the('ActionPermitted'))),
    /^the action was decided 2 times \(I7\)$/,
  ],
  [
    'a permit after a denial',
    (of) => of.before(of.the('ActionPermitted'), of.copy<Event>(of.the('ActionPermitted'), { type: 'ActionDenied' })),
    /decided 2 times/,
  ],
  ['two outcomes', (of) => of.events.push(of.copy(of.the('ActionCompleted'))), /^the action has 2 outcomes \(I7\)$/],
  ['no outcome', (of) => of.drop(of.the('ActionCompleted')), /^the action has no outcome yet$/],
  [
    'an outcome without a permit',
    (of) => Object.assign(of.the('ActionPermitted'), { type: 'ActionDenied' }),
    /^the action was not permitted and has an outcome \(I7\)$/,
  ],
  [
    'an outcome before its permit',
    (of) => of.move(of.the('ActionCompleted'), of.the('ActionPermitted')),
    /^an outcome does not follow its decision \(I7\)$/,
  ],
  [
    'an outcome of another run',
    (of) => (of.the('ActionCompleted').runId = of.the('RunOpened', 0).runId),
    /^an outcome does not follow its decision \(I7\)$/,
  ],
];

describe('the chain of custody of an action', () => {
  it('leads from the requester through approvals and leases to the outcome', () => {
    const { log, actionId } = approved();
    const custody = custodyOf(actionId, log.story());
    expect(custody.findings).toEqual([]);
    expect(custody.links.map(({ link, type }) => [link, type])).toEqual([
      ['principal', 'RunOpened'],
      ['approval', 'ApprovalGiven'],
      ['grant', 'GrantIssued'],
      ['grant', 'GrantIssued'],
      ['approval', 'ApprovalGiven'],
      ['decision', 'ActionPermitted'],
      ['outcome', 'ActionCompleted'],
    ]);
    const text = renderCustody(custody).join('\n');
    for (const part of [
      'ann@example.com asked for: Tidy the repository',
      'approved by person:ann',
      'root lease to worker',
      'lease to helper',
      'permitted: thing.delete on file a/b',
      'completed',
    ])
      expect(text).toContain(part);
    for (const { position, time, actor } of custody.links) expect(log.events[position]).toMatchObject({ time, actor });
  });

  it('reports nothing about a suspension by selector whose time was over', () => {
    const forger = new Forger();
    const over = { mode: 'suspend', until: '2020-01-01T00:00:00Z' };
    forger.before(forger.the('ActionPermitted'), rule(forger, { agentClass: 'helper' }, over));
    expect(forger.custody().findings).toEqual([]);
  });

  it.each(FORGERIES)('reports %s as a finding', (_what, forge, finding) => {
    const forger = new Forger();
    expect(forger.custody().findings).toEqual([]);
    forge(forger);
    const { findings } = forger.custody();
    expect(findings).toContainEqual(expect.stringMatching(finding));
    expect(renderCustody(forger.custody()).filter((line) => line.startsWith('FINDING: '))).toHaveLength(
      findings.length,
    );
  });

  it('accepts an approval of a call that the run states itself', () => {
    const { log, child } = approved();
    const call = {
      action: { verb: 'thing.delete', argsDigest: ARGS },
      actor: { kind: 'run' as const, id: child.runId },
      proof: { vouched: false as const },
    };
    act(log, child.grantId, 'thing.delete', call);
    const { approvalId } = log.last('ApprovalRequested').data;
    log.do('decideApproval', { approvalId, verdict: 'approve', actor: ANN, payload: words({ note: 'this one' }) });
    const permit = act(log, child.grantId, 'thing.delete', { ...call, approvalId });
    expect(permit).toMatchObject({ type: 'ActionPermitted', data: { stated: 'run', approvalId } });
    log.do('settle', { actionId: permit.actionId as string, outcome: { status: 'completed' } });
    expect(custodyOf(permit.actionId as string, log.story()).findings).toEqual([]);
  });

  it('distinguishes an open action from other findings', () => {
    const { log, child } = approved();
    const { actionId } = act(log, child.grantId, 'file.read');
    const { findings } = custodyOf(actionId as string, log.story());
    expect(findings.map(isOnlyOpen)).toEqual([true]);
    expect(isOnlyOpen('the action has 2 outcomes (I7)')).toBe(false);
  });

  it('exists for denied and stepped-up actions, too', () => {
    const { log, child } = approved();
    for (const [verb, link] of [
      ['thing.delete', 'a person was asked'],
      ['shell.run', 'a person was asked'],
    ] as const) {
      const { actionId } = act(log, child.grantId, verb);
      expect(custodyOf(actionId as string, log.story())).toMatchObject({
        findings: [],
        links: expect.arrayContaining([
          expect.objectContaining({ link: 'decision', says: expect.stringContaining(link) }),
        ]),
      });
    }
  });
});

describe('a receipt with forged events', () => {
  it('does not verify even if the log signed all events', () => {
    const { log, child } = approved();
    log.events.forEach((event) => {
      if (event.type === 'ApprovalGiven') event.actor = { kind: 'run', id: child.runId };
    });
    expect(brokenAt(verifyReceipt(signed(statementOf(log, child.runId)), VKEY))).toMatch(
      /^every permitted action has custody up to the principal: action act_\S+ approval \S+ was given by no person/,
    );
  });

  it('verifies without the forgery', () => {
    const { log, child } = approved();
    expect(prover(log.stored().map(({ body }) => body))(0)).toContain(NAME);
    expect(brokenAt(verifyReceipt(signed(statementOf(log, child.runId)), VKEY))).toBe('');
  });
});
