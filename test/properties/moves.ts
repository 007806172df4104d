import fc from 'fast-check';
import type { TenantCaps } from '@bailiwick/contracts/budgets/tenant-budget';
import { EFFECTS, type Agent, type GrantRequest } from '@bailiwick/contracts/grants/grant';
import type { Actor } from '@bailiwick/contracts/events/event';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { rfc3339 } from '@bailiwick/core/clock';
import { call, childGrant, maybe, narrowing, one, rarely, rootGrant, sent, want } from './asked-for';
import { RULES } from './generated-policy-rules';

/**
 * Moves on a log, described without ids: a pick is resolved to a grant or run when the move is played. Alphabets are
 * small and caps low, so that moves interact and reach limits often.
 */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Selects one of the ids of a kind: a late one, any, or a wrong one. */
export interface Pick {
  readonly which: 'late' | 'any' | 'invented' | 'foreign' | 'of another kind';
  readonly n: number;
}
export const pick: fc.Arbitrary<Pick> = fc.record({
  which: fc.oneof(
    { weight: 12, arbitrary: fc.constant('late' as const) },
    { weight: 12, arbitrary: fc.constant('any' as const) },
    { weight: 1, arbitrary: fc.constantFrom('invented' as const, 'foreign' as const, 'of another kind' as const) },
  ),
  n: fc.nat(30),
});

/** The actor of a command. */
export type Voice = 'service' | 'person' | 'own' | 'parent' | 'another run' | 'system';
const voice = (usual: Voice, ...others: Voice[]): fc.Arbitrary<Voice> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

export const PERSON: Actor = { kind: 'person', id: 'ref_person', role: 'approver' };

export const REFS = ['0', '1'].map((digit) => `ref_${digit.repeat(26)}`);
const ref = fc.constantFrom(...REFS);
const agent: fc.Arbitrary<Agent> = fc
  .record({
    class: fc.constantFrom('worker', 'helper', 'stray'),
    instance: rarely(fc.constantFrom('one', 'two')),
    posture: rarely(fc.constantFrom({ modelVersion: '1' }, { modelVersion: '2' })),
  })
  .map(sent);

/** The parts in which a retried approved call may differ from the approved one. */
export const CHANGES = ['verb', 'tool', 'effect', 'resource', 'attributes', 'args', 'cost', 'run'] as const;
export type Change = (typeof CHANGES)[number];

const PARTS = [
  'agentClass',
  'agentInstance',
  'modelVersion',
  'principalRef',
  'purposeRef',
  'tool',
  'treeId',
  'issuedBefore',
  'any',
  'not',
] as const;
/** `treeId` is replaced by that of some tree; times are distances to now. */
export type Selector = Omit<StoredSelector, 'treeId' | 'issuedBefore'> & { tree?: Pick; before?: number };
export const selector: fc.Arbitrary<Selector> = fc
  .tuple(
    fc.record({
      agentClass: fc.constantFrom('worker', 'helper', 'stray'),
      agentInstance: fc.constantFrom('one', 'two'),
      modelVersion: fc.constantFrom('1', '2'),
      principalRef: ref,
      purposeRef: ref,
      tool: fc.constantFrom('file.write', 'email.send', 'mailer', 'not a verb'),
      treeId: pick,
      issuedBefore: fc.constantFrom(-HOUR, -MINUTE, 0, MINUTE),
      any: fc.constantFrom<StoredSelector[]>(
        [{ agentClass: 'worker' }, { modelVersion: '1' }],
        [{ all: [{ agentClass: 'helper' }, { agentInstance: 'one' }] }, { not: { agentClass: 'helper' } }],
      ),
      not: fc.constantFrom<StoredSelector>({ agentInstance: 'two' }, { any: [{ agentClass: 'worker' }] }),
    }),
    fc.subarray([...PARTS], { minLength: 1, maxLength: 3 }),
  )
  .map(([all, parts]) => {
    const { treeId, issuedBefore, ...same } = sent(
      Object.fromEntries(parts.map((part) => [part, all[part]])),
    ) as Partial<typeof all>;
    return sent({ ...same, tree: treeId, before: issuedBefore });
  });

const waits = fc.oneof(
  { weight: 16, arbitrary: one<Wait>(1, 500, SECOND, 2 * SECOND, 30 * SECOND, MINUTE) },
  { weight: 1, arbitrary: one<Wait>(10 * MINUTE, HOUR, 25 * HOUR) },
  { weight: 3, arbitrary: one<Wait>('to the next deadline', 'to the next deadline', 'to just before it') },
);
type Wait = number | 'to the next deadline' | 'to just before it';

const often = <T extends object>(weight: number, fields: fc.Arbitrary<T>) => ({ weight, fields });
const MOVES = {
  open: often(
    4,
    fc.record({
      agent,
      principal: ref,
      purpose: ref,
      grant: rootGrant,
      ask: one(undefined, undefined, true),
      who: voice('service', 'person'),
    }),
  ),
  delegate: often(
    10,
    fc.record({ grant: pick, agent, purpose: ref, request: childGrant, who: voice('own', 'service', 'another run') }),
  ),
  act: often(60, fc.record({ grant: pick, call, approval: rarely(pick), who: voice('service', 'own', 'another run') })),
  /** only in stories that name it: a service acts for a call that is to it */
  serve: often(0, fc.record({ grant: pick, action: pick, call, who: voice('service', 'own', 'another run') })),
  'try again': often(
    14,
    fc.record({ approval: pick, change: maybe(fc.constantFrom(...CHANGES), 3), call, answer: fc.boolean() }),
  ),
  settle: often(
    18,
    fc.record({
      action: pick,
      status: one<'completed' | 'failed'>('completed', 'completed', 'failed'),
      cost: fc.oneof(
        { weight: 3, arbitrary: fc.constant('as reserved' as const) },
        { weight: 2, arbitrary: fc.constant('less' as const) },
        { weight: 1, arbitrary: fc.constantFrom('more' as const, 'more units' as const, 'another currency' as const) },
      ),
      who: voice('service', 'own', 'another run'),
    }),
  ),
  complete: often(1, fc.record({ run: pick, who: voice('own', 'service', 'another run') })),
  escalate: often(5, fc.record({ run: pick, want, answer: fc.boolean(), who: voice('own', 'service', 'another run') })),
  answer: often(
    12,
    fc.record({
      approval: pick,
      approve: fc.constantFrom(true, true, true, false),
      who: voice('person', 'service', 'own', 'another run', 'system'),
    }),
  ),
  suspend: often(2, fc.record({ grant: pick, who: voice('person', 'system', 'own', 'parent', 'parent') })),
  resume: often(6, fc.record({ grant: pick, who: voice('person', 'system', 'own', 'parent', 'parent') })),
  renew: often(6, fc.record({ grant: pick, who: voice('own', 'service', 'another run') })),
  narrow: often(
    1,
    fc.record({ grant: pick, request: narrowing, who: voice('service', 'person', 'own', 'parent', 'another run') }),
  ),
  revoke: often(1, fc.record({ grant: pick, who: voice('person', 'own', 'another run', 'parent') })),
  strike: often(
    1,
    fc.record({
      selector,
      target: one<'tool' | 'leases' | undefined>(undefined, 'tool', 'leases', 'leases'),
      quarantine: fc.boolean(),
      force: fc.constantFrom(true, true, false),
      again: rarely(fc.constant(true)),
      who: voice('person', 'own'),
    }),
  ),
  lift: often(2, fc.record({ revocation: pick, who: voice('person', 'own') })),
  /** only in stories that name it: it caps what other moves reach */
  'set budget': often(
    0,
    fc.record({
      name: one('a', 'b', 'c'),
      selector: fc
        .record({
          principalRef: rarely(ref),
          agentClass: rarely(fc.constantFrom('worker', 'Helper')),
          label: rarely(fc.constantFrom('read:file', 'untrusted', 'send:external')),
        })
        .map(sent),
      budget: fc.constantFrom<TenantCaps>(
        { calls: 5 },
        { calls: 9, writes: 3, cost: { USD: 20 } },
        { cost: { USD: 12, EUR: 1 } },
        { units: { tokens: 12 } },
        { windows: [{ per: '2s', calls: 3, units: { tokens: 8 } }] },
        {
          reads: 4,
          windows: [
            { per: '1m', cost: { USD: 9 } },
            { per: '2s', writes: 2 },
          ],
        },
      ),
      who: voice('service', 'person', 'own'),
    }),
  ),
  'remove budget': often(0, fc.record({ name: one('a', 'b', 'c'), who: voice('service', 'own') })),
  /** only in stories that name it: it changes what verbs mean. `behind`: how many versions ago its sender read one */
  'deploy policy': often(
    0,
    fc.record({
      verbs: fc.uniqueArray(fc.constantFrom('file.read', 'file.write', 'email.send', 'x.y', 'shell.exec'), {
        maxLength: 3,
      }),
      effect: fc.constantFrom(...EFFECTS),
      risk: fc.constantFrom('low' as const, 'medium' as const, 'high' as const),
      rules: fc.option(fc.subarray([...RULES]), { nil: undefined, freq: 4 }),
      behind: fc.constantFrom(0, 0, 0, 0, 1),
      who: voice('service', 'person', 'own'),
    }),
  ),
  drift: often(
    2,
    fc.record({ run: pick, score: fc.constantFrom(0, 0.3, 0.3, 0.3, 0.6, 0.9), who: voice('system', 'service') }),
  ),
  wait: often(14, fc.record({ for: waits, tick: fc.boolean() })),
  tick: often(4, fc.constant({})),
  repeat: often(4, fc.record({ n: fc.nat(40), last: fc.boolean() })),
  'reuse its id': often(1, fc.record({ n: fc.nat(40), call, grant: pick })),
};

type Moves = {
  [K in keyof typeof MOVES]: (typeof MOVES)[K]['fields'] extends fc.Arbitrary<infer T>
    ? { do: K; keyed: boolean } & T
    : never;
};
export type Move = Moves[keyof Moves];
export type MoveOf<K extends keyof Moves> = Moves[K];

type Name = Move['do'];
const named = (name: Name, weight = MOVES[name].weight) => ({
  weight,
  arbitrary: fc
    .tuple(MOVES[name].fields as fc.Arbitrary<object>, fc.boolean())
    .map(([rest, keyed]) => ({ do: name, keyed, ...rest }) as Move),
});

const ON_REPO = [{ actions: ['file.*', 'do.something'], resources: [{ type: 'repo', match: '**' }] }];

/** A tree of three levels with roomy limits, so that later moves have an effect. */
const beginning: fc.Arbitrary<Move[]> = fc
  .record({
    agents: fc.array(agent, { minLength: 3, maxLength: 3 }),
    grant: rootGrant,
    lasts: one('30m', '2h', '3d', '3d'),
    endsOn: one(undefined, undefined, undefined, ON_REPO),
    request: childGrant,
    keyed: fc.boolean(),
  })
  .map(({ agents, grant, lasts, endsOn, request, keyed }) => {
    const common = { keyed, purpose: REFS[0] as string, principal: REFS[0] as string };
    const pass = (depth: number) => ({ depth, children: 4, classes: ['*'] });
    const late = (n: number): Pick => ({ which: 'late', n });
    const time = sent({ ttl: lasts, renewUntil: '20d', endsOn });
    const room = { actions: { allow: ['*'] }, resources: [{ type: '*', match: '**' }], time };
    const [first, second, third] = agents as [Agent, Agent, Agent];
    return [
      {
        do: 'open',
        ...common,
        agent: first,
        who: 'service',
        ask: undefined,
        grant: { budget: grant.budget, ...room, delegation: pass(4) },
      },
      {
        do: 'delegate',
        ...common,
        agent: second,
        who: 'service',
        grant: late(0),
        request: { delegation: pass(2), time: { ttl: '30m', renewUntil: '10d' } },
      },
      {
        do: 'delegate',
        ...common,
        agent: third,
        who: 'service',
        grant: late(0),
        request: { ...request, time: undefined },
      },
    ];
  });

/** Generates a story: the beginning, then any moves, or only the named ones, weighted by how often each is named. */
export const moves = (maxLength = 60, only?: Name[]): fc.Arbitrary<Move[]> => {
  const all =
    only?.map((name) => named(name, 1)) ??
    (Object.keys(MOVES) as Name[]).filter((name) => MOVES[name].weight > 0).map((name) => named(name));
  return fc
    .tuple(beginning, fc.array(fc.oneof(...all), { minLength: Math.floor(maxLength / 3), maxLength, size: 'max' }))
    .map(([first, rest]) => [...first, ...rest]);
};

/** Gives the first lease of each story another budget, so that the story reaches what it bounds. */
export const budgeted = (
  stories: fc.Arbitrary<Move[]>,
  budget: fc.Arbitrary<NonNullable<GrantRequest['budget']>>,
): fc.Arbitrary<Move[]> =>
  fc
    .tuple(stories, budget)
    .map(([all, own]) =>
      all.map((move, i) => (i === 0 && move.do === 'open' ? { ...move, grant: { ...move.grant, budget: own } } : move)),
    );

/** Stories in which every second child has its caps set aside. */
export const reserving: fc.Arbitrary<Move[]> = moves(50, [
  ...(['delegate', 'delegate', 'act', 'act', 'act', 'settle', 'settle', 'wait'] as const),
  ...(['escalate', 'complete', 'revoke', 'strike'] as const),
]).map((all) =>
  all.map((move, i) => {
    if (move.do !== 'delegate' || i % 2 === 0) return move;
    const cost: Record<string, number> = i % 3 ? { USD: 6 } : {};
    const budget = {
      calls: 4,
      reads: 3,
      writes: 2,
      external: 0,
      cost,
      units: {},
      reserve: true,
    };
    return { ...move, request: { ...move.request, budget } };
  }),
);

export const at = (now: number, distance: number | undefined): string | undefined =>
  distance === undefined ? undefined : rfc3339(now + distance);
