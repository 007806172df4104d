import fc from 'fast-check';
import { decide } from '@bailiwick/authority/commands/decide';
import { act, delegateTestRun, ROOMY, TestLog, type Fields } from '@bailiwick/authority/testing/harness';
import type { Event } from '@bailiwick/contracts/events/event';
import { COUNTERS, EFFECTS, RISKS, type Consumed, type GrantRequest } from '@bailiwick/contracts/grants/grant';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { sent } from './asked-for';
import { Tally } from './naive';

/**
 * Fails if a run's statement classifies an unknown verb; if effects form an order and only the strictest is charged;
 * if stated attributes or a stated posture satisfy a limit; if a stated cost replaces the cost of a payment.
 */
fc.configureGlobal({ seed: 20261301 });

const VERBS = [
  ...['file.read', 'file.write', 'repo.commit', 'email.send', 'email.read', 'web.get', 'secret.read', 'shell.run'],
  ...['payment.make', 'pay_invoice', 'sendEmail', 'send-email', 'drop_table', 'never.heard', 'get_secret', 'dns.query'],
  ...['thing.delete', 'list_files', 'get_or_create', 'calendar.write', 'production.deploy', 'iam.raise', 'x'],
];
const verb = fc.constantFrom(...VERBS);
const resource = fc.constantFrom(
  { type: 'file', id: 'a/b' },
  { type: 'file', id: 'config/.env' },
  { type: 'web', id: 'docs.example/a' },
  { type: 'web', id: 'evil.example/a' },
);
const claims = fc.record(
  {
    effect: fc.constantFrom(...EFFECTS),
    risk: fc.constantFrom(...RISKS),
    labels: fc.uniqueArray(
      fc.constantFrom('trusted', 'public', 'untrusted', 'private', 'read:secret', 'send:external', 'may:send', 'pays'),
      { maxLength: 3 },
    ),
    cost: fc.constantFrom<Record<string, number>[]>({}, { USD: 0 }, { USD: 1 }, { USD: 5_000 }, { EUR: 1 }),
    attributes: fc.record(
      {
        sensitivity: fc.constantFrom('public', 'secret', 'private'),
        amount: fc.constantFrom<(number | string)[]>(1, 99, '1'),
        trust: fc.constantFrom('trusted', 'untrusted'),
      },
      { requiredKeys: [] },
    ),
    posture: fc.record(
      { environment: fc.constantFrom('test', 'prod'), imageDigest: fc.constantFrom('sha256:good', 'sha256:bad') },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
type Claims = typeof claims extends fc.Arbitrary<infer T> ? T : never;

/** Picks mostly the first value: a lease that denies everything proves nothing. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) });
const count = mostly(50, 0, 1, 2);
const grant: fc.Arbitrary<GrantRequest> = fc.record({
  actions: mostly<GrantRequest['actions']>(
    { allow: ['*'] },
    { allow: ['*'], mode: 'draft' },
    { allow: ['*'], mode: 'propose' },
  ),
  resources: mostly<NonNullable<GrantRequest['resources']>>(
    [{ type: '*', match: '**' }],
    [
      { type: '*', match: '**' },
      { type: 'web', match: 'docs.example/**' },
    ],
    [{ type: '*', match: '**', where: { sensitivity: { in: ['public'] } } }],
    [{ type: 'file', match: '**', where: { amount: { lte: 10 } } }],
  ),
  budget: fc.record({
    calls: mostly(50, 1),
    reads: count,
    writes: count,
    external: count,
    cost: mostly<Record<string, number>>({ USD: 100 }, {}),
  }),
  risk: mostly<GrantRequest['risk']>(
    { ceiling: 'irreversible', approvalFrom: 'irreversible' },
    { ceiling: 'high', approvalFrom: 'high' },
    { ceiling: 'medium', approvalFrom: 'medium' },
  ),
  posture: mostly<NonNullable<GrantRequest['posture']>>(
    {},
    { environment: ['test'] },
    { environment: ['test', 'prod'] },
    { imageDigest: ['sha256:good'] },
  ),
  delegation: fc.constant(ROOMY.delegation),
});

/** Earlier actions of a tree, as requested by an enforcement point. */
const history = fc.array(fc.record({ verb, resource, settled: fc.boolean() }), { maxLength: 5 });

interface Opened {
  readonly log: TestLog;
  readonly grantId: string;
  readonly runId: string;
}
function opened(request: GrantRequest): Opened {
  const log = new TestLog(judgeTrajectory);
  const events: Event[] = log.do('openRun', {
    agent: { class: 'worker', posture: { environment: 'test' } },
    principalRef: `ref_${'0'.repeat(26)}`,
    purposeRef: `ref_${'0'.repeat(26)}`,
    grant: request,
  });
  const asked = events.find((event) => event.type === 'ApprovalRequested');
  if (asked?.type === 'ApprovalRequested')
    events.push(...log.do('decideApproval', { approvalId: asked.data.approvalId, verdict: 'approve' }));
  const { grantId, runId } = events.find((event) => event.type === 'GrantIssued') as Event;
  return { log, grantId: grantId as string, runId: runId as string };
}

type Call = Pick<Fields<'authorize'>, 'resource'> & { readonly verb: string };
interface Decision {
  readonly type: string;
  readonly charge: Consumed;
}

/** Returns the decision that a call would get now, without writing it. */
function peek({ log, grantId, runId }: Opened, { verb, resource }: Call, stated: Claims): Decision {
  const { effect, risk, attributes, ...more } = stated;
  const command = log.command('authorize', {
    grantId,
    action: sent({ verb, effect, risk, argsDigest: `sha256:${'a'.repeat(64)}` }),
    resource: sent({ ...resource, attributes: attributes && sent(attributes) }),
    ...more,
    proof: { vouched: false },
    actor: { kind: 'run', id: runId },
    commandId: 'cmd_only_a_look',
  });
  const decided = decide(log.state, command, log.now, log.rules);
  if (!decided.ok) throw new Error(JSON.stringify(decided.error));
  const event = decided.value.find(({ type }) => type.startsWith('Action'));
  return { type: event?.type ?? '', charge: (event?.data as { charge: Consumed }).charge };
}

const STRICT = ['ActionPermitted', 'ActionStepUp', 'ActionDenied'];

describe('claims that a run makes about its call', () => {
  it('never widen what is permitted and never lower a counter', () => {
    const tally = new Tally();
    const property = fc.property(
      grant,
      fc.boolean(),
      history,
      verb,
      resource,
      claims,
      (request, below, done, ...rest) => {
        const [name, what, stated] = rest;
        let root = opened(request);
        if (below) root = { log: root.log, ...delegateTestRun(root.log, root.grantId) };
        for (const each of done) {
          const decided = act(root.log, root.grantId, each.verb, { resource: each.resource });
          if (each.settled && decided.type === 'ActionPermitted')
            root.log.try('settle', { actionId: decided.actionId as string, outcome: { status: 'completed' } });
        }
        const call = { verb: name, resource: what };
        const plain = peek(root, call, {});
        const claimed = peek(root, call, stated);
        expect(STRICT.indexOf(claimed.type)).toBeGreaterThanOrEqual(STRICT.indexOf(plain.type));
        for (const counter of COUNTERS) expect(claimed.charge[counter]).toBeGreaterThanOrEqual(plain.charge[counter]);
        tally.add(`${plain.type} → ${claimed.type}`);
      },
    );
    fc.assert(property, { numRuns: 1_500 });
    tally.atLeast(
      20,
      'ActionPermitted → ActionPermitted',
      'ActionStepUp → ActionStepUp',
      'ActionDenied → ActionDenied',
    );
    tally.atLeast(5, 'ActionPermitted → ActionDenied', 'ActionPermitted → ActionStepUp', 'ActionStepUp → ActionDenied');
  });

  it('are charged in addition to the known effects of the verb', () => {
    const property = fc.property(verb, fc.constantFrom(...EFFECTS), (name, effect) => {
      const root = opened(ROOMY);
      const call = { verb: name, resource: { type: 'file', id: 'a/b' } };
      const counters = { read: 'reads', write: 'writes', exec: 'writes', external: 'external' } as const;
      const [plain, claimed] = [peek(root, call, {}).charge, peek(root, call, { effect }).charge];
      for (const counter of COUNTERS)
        expect(claimed[counter]).toBe(Math.max(plain[counter], counters[effect] === counter ? 1 : 0));
    });
    fc.assert(property, { numRuns: 200 });
  });
});
