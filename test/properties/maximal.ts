import fc from 'fast-check';
import type { CommandType } from '@bailiwick/contracts/commands/command';
import type { Feature } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { deriveId } from '@bailiwick/core/derive-id';
import type { IdKind } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { deployment, meaning } from '@bailiwick/authority/testing/policies';
import { LONGEST } from '@bailiwick/authority/testing/responders';

/**
 * Commands of every type with parts at, just below and far below their maxima. A command has at most a few large parts,
 * since one in which all are large is refused for its size before any other check.
 */

/** Picks a boundary length: none, one, one below the maximum, the maximum. */
const upTo = (most: number): fc.Arbitrary<number> => fc.constantFrom(0, 1, 2, most >> 1, most - 1, most, most);
const least1 = (most: number): fc.Arbitrary<number> => upTo(most).map((n) => Math.max(1, n));

/** Text with a longer JSON form, with more bytes than characters, or neither. */
const unit = fc.constantFrom('a', '"', '\\', 'é', '漢', '-');
const text = (most: number): fc.Arbitrary<string> => fc.tuple(least1(most), unit).map(([n, of]) => of.repeat(n));
const plain = (most: number): fc.Arbitrary<string> => least1(most).map((n) => 'a'.repeat(n));

const listOf = <T>(most: number, make: (i: number, seed: number) => T): fc.Arbitrary<T[]> =>
  fc.tuple(upTo(most), fc.nat(3)).map(([n, seed]) => Array.from({ length: n }, (_, i) => make(i, seed)));
const letters = (n: number): string => String.fromCharCode(65 + ((n / 676) % 26), 65 + ((n / 26) % 26), 65 + (n % 26));
const amount = fc.constantFrom(0, 1, 100, LIMITS.amountMax - 1, LIMITS.amountMax);
const costs = fc
  .tuple(
    listOf(LIMITS.currencies, (i, seed) => letters(i + seed * 5)),
    amount,
  )
  .map(([names, value]) => Object.fromEntries(names.map((name) => [name, value])));

const units = fc
  .tuple(
    listOf(LIMITS.units, (i, seed) => `${'u'.repeat(38)}${(i + seed) % 10}`),
    amount,
  )
  .map(([names, value]) => Object.fromEntries(names.map((name) => [name, value])));

const scalar = fc.oneof(text(LIMITS.nameLength), fc.constantFrom(0, -1, 1.5, 1e308, -5e-324), fc.boolean());
const condition = fc.oneof(
  fc.record({ in: listOf(LIMITS.valuesPerCondition, (i) => `v${i}`).filter((values) => values.length > 0) }),
  fc.record({ eq: scalar }),
  fc.record({ lte: fc.constant(3), gte: fc.constant(-3) }),
  fc.record({ prefix: text(LIMITS.nameLength) }),
  fc
    .record({ suffix: text(LIMITS.nameLength), notIn: listOf(LIMITS.valuesPerCondition, (i) => `v${i}`) })
    .filter(({ notIn }) => notIn.length > 0),
  fc.record({ like: plain(LIMITS.nameLength - 2).map((each) => `*${each}*`) }),
  fc.record({ all: listOf(LIMITS.valuesPerCondition, (i) => `v${i}`).filter((values) => values.length > 0) }),
);
const where = fc
  .tuple(upTo(LIMITS.conditionsPerSelector), condition)
  .map(([n, each]) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${i}`, each])));
const segments = fc
  .tuple(least1(LIMITS.segmentsPerPattern), plain(LIMITS.segmentLength))
  .map(([n, segment]) =>
    Array.from({ length: n }, () => segment)
      .join('/')
      .slice(0, LIMITS.resourceIdLength),
  )
  .map((path) => path.replace(/\/$/, ''));
const selectors = fc.oneof(
  listOf(LIMITS.selectorsPerGrant, (i, seed) => ({ type: 'file', match: `a/${seed}/${i}` })),
  fc.tuple(segments, where, text(LIMITS.nameLength)).map(([match, conditions, type]) => [
    { type: '*', match: '**' },
    { type, match, where: conditions },
  ]),
  listOf(LIMITS.exceptionsPerSelector, (i, seed) => `a/${seed}/${i}`)
    .filter((except) => except.length > 0)
    .map((except) => [{ type: 'file', match: 'a/**', except }]),
);
/** Window lengths; some are equal but spelled differently. */
const LENGTHS = ['1h', '60m', '1m', '60s', '30d', '720h', '1s', '1000ms'];
const windows = fc
  .tuple(fc.subarray(LENGTHS), costs, costs)
  .map(([lengths, one, other]) => lengths.map((per, i) => ({ per, calls: 5, cost: i % 2 === 0 ? one : other })));

type Part = fc.Arbitrary<Partial<GrantRequest>>;
const PARTS: readonly Part[] = [
  fc.constantFrom('1m', '30d', '1000000000d').map((ttl) => ({ time: { ttl } })),
  listOf(LIMITS.endsPerGrant, (i, seed) => ({
    actions: [`v${seed}x${i}.*`],
    resources: [{ type: 'file', match: `a/${i}` }],
  }))
    .filter((endsOn) => endsOn.length > 0)
    .map((endsOn) => ({ time: { ttl: '1m', renewUntil: '365d', endsOn } })),
  listOf(LIMITS.delegatedSources, (i, seed) => `source ${seed} ${i}`).map((delegatedSources) => ({
    purpose: { delegatedSources },
  })),
  fc
    .tuple(
      listOf(LIMITS.patternsPerList, (i, seed) => `v${seed}x${i}.*`),
      listOf(LIMITS.patternsPerList, (i, seed) => `w${seed}x${i}.do`),
    )
    .map(([allow, deny]) => ({ actions: { allow: ['*', ...allow].slice(0, LIMITS.patternsPerList), deny } })),
  plain(LIMITS.segmentLength).map((segment) => ({ actions: { allow: ['*'], deny: [`${segment}.x`] } })),
  selectors.map((resources) => ({ resources })),
  listOf(LIMITS.permissionsPerGrant, (i, seed) => ({
    actions: [`v${i}.read`],
    resources: [{ type: 'file', match: `a/${seed}/${i}` }],
  })).map((permissions) => ({ permissions })),
  listOf(LIMITS.deniedPairsPerGrant, (i, seed) => ({
    actions: [`w${i}.*`],
    resources: [{ type: 'file', match: `a/${seed}/${i}/**` }],
  })).map((deny) => ({ deny })),
  fc.record({ calls: amount, reads: amount, writes: amount, external: amount }).map((budget) => ({ budget })),
  costs.map((cost) => ({ budget: { cost } })),
  costs.map((cost) => ({ budget: { perAction: { cost } } })),
  fc.tuple(units, units).map(([all, once]) => ({ budget: { units: all, perAction: { units: once } } })),
  listOf(LIMITS.verbCapsPerBudget, (i, seed) => ({ actions: [`v${seed}x${i}.*`, '**.send'], calls: i })).map(
    (perVerb) => ({ budget: { perVerb } }),
  ),
  windows.map((all) => ({ budget: { windows: all } })),
  listOf(LIMITS.classesPerList, (i, seed) => `class-${seed}-${i}`).map((classes) => ({
    delegation: { depth: LIMITS.treeDepth, children: LIMITS.childrenPerGrant, classes: ['*', ...classes].slice(0, 64) },
  })),
  plain(LIMITS.nameLength).map((name) => ({ delegation: { depth: 5, children: 9, classes: [name] } })),
  fc
    .constantFrom('low', 'irreversible')
    .map((tier) => ({ risk: { ceiling: 'irreversible' as const, approvalFrom: tier } })),
  listOf(LIMITS.classesPerList, (i) => `model ${i}`).map((model) => ({ posture: model.length > 0 ? { model } : {} })),
];

const WIDE: GrantRequest = {
  time: { ttl: '1h', renewUntil: '300d' },
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { calls: 1_000, reads: 1_000, writes: 1_000, external: 1_000, cost: { USD: 1_000 } },
  delegation: { depth: 9, children: 100, classes: ['*'] },
};
/** Most grants are roomy in all but two or three parts, so that some actions are possible under them. */
export const grant: fc.Arbitrary<GrantRequest> = fc
  .array(fc.constantFrom(...PARTS), { maxLength: 3 })
  .chain((parts) => fc.tuple(...parts))
  .map((parts) => {
    const merged: Record<string, unknown> = { ...WIDE };
    for (const part of parts)
      for (const [key, value] of Object.entries(part)) {
        const both = Array.isArray(value) ? value : { ...(merged[key] as object), ...value };
        merged[key] = both;
      }
    return merged;
  });

const feature: fc.Arbitrary<Feature> = fc.record({
  name: plain(40),
  contribution: fc.constantFrom(-1, 0, 0.1, 1e300),
  says: text(LIMITS.reasonLength),
});
const features = fc.oneof(
  fc.array(feature, { maxLength: 3 }),
  listOf(32, (i): Feature => ({ name: `f${i}`, contribution: 0, says: 'x' })),
);
const agent = fc.record({
  class: fc.oneof({ weight: 4, arbitrary: fc.constant('worker') }, { weight: 1, arbitrary: plain(LIMITS.nameLength) }),
  instance: plain(LIMITS.nameLength),
});
const label = (i: number): string => `l${i}`.padEnd(i % 2 === 0 ? 64 : 8, 'x');
const outcome = fc
  .record(
    {
      cost: costs,
      units,
      labels: listOf(LIMITS.labelsPerAction, label),
      effects: fc.record({ filesChanged: listOf(LIMITS.effectsListed, (i) => `f${i}`) }),
    },
    { requiredKeys: [] },
  )
  .chain((more) => fc.constantFrom('completed', 'failed').map((status) => ({ status, ...more })));

const VERBS = [
  'repo.read',
  'email.read',
  'production.deploy',
  'secret.read',
  'email.send',
  'iam.grant',
  `${'v'.repeat(128)}.${'w'.repeat(71)}`,
];
const attributes = fc
  .tuple(upTo(LIMITS.attributesPerResource), scalar)
  .map(([n, value]) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`a${i}`, value])));
const authorize = fc.record(
  {
    action: fc.record(
      {
        verb: fc.constantFrom(...VERBS),
        tool: plain(LIMITS.nameLength),
        effect: fc.constantFrom('read', 'write', 'exec', 'external'),
        risk: fc.constantFrom('low', 'high', 'irreversible'),
        argsDigest: fc.constant(`sha256:${'0'.repeat(64)}`),
      },
      { requiredKeys: ['verb', 'argsDigest'] },
    ),
    resource: fc.record({ type: text(LIMITS.nameLength), id: segments, attributes }, { requiredKeys: ['type', 'id'] }),
    cost: costs,
    units,
    labels: listOf(LIMITS.labelsPerAction, label),
    posture: fc.record({ model: plain(LIMITS.nameLength), environment: plain(LIMITS.nameLength) }),
    drift: fc.oneof(
      fc.constant('unavailable'),
      fc.record({ score: fc.constantFrom(0, 0.1, 0.7, 1), features: fc.constant([]) }),
    ),
    proof: fc.constantFrom({ vouched: true }, { vouched: false, jkt: 'A'.repeat(43) }),
  },
  { requiredKeys: ['action', 'resource', 'proof'] },
);
const selectorPart = fc
  .record(
    {
      agentClass: plain(LIMITS.nameLength),
      tool: plain(LIMITS.nameLength),
      modelVersion: plain(LIMITS.nameLength),
      environment: plain(LIMITS.nameLength),
      verb: fc.constantFrom('deploy.*', '**'),
      resource: fc.record({ type: plain(LIMITS.nameLength), match: fc.constant('a/**') }),
      issuedBefore: fc.constant('2026-01-01T00:00:00.000Z'),
      issuedAfter: fc.constant('2026-01-01T00:00:00.000Z'),
    },
    { requiredKeys: [] },
  )
  .map((parts) => (Object.keys(parts).length > 0 ? parts : { agentClass: 'nothing-like-it' }));
const selector = fc
  .tuple(selectorPart, fc.option(fc.array(selectorPart, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 2 }))
  .map(([{ verb: _, ...own }, any]) => (any ? { ...own, any } : { agentClass: 'nothing-like-it', ...own }));

const ref = `ref_${'0'.repeat(26)}`;
const found = { before: 0, runs: 1, payloads: 1 };
const reasonCode = plain(80);
/** The first two deployments of a log, and candidates in shadow; others conflict. One has several parts. */
const BUNDLES = [
  deployment(meaning('x.y', 'read'), 0),
  ...[0, 1].map((version) => deployment({ responders: [LONGEST] }, version)),
  deployment({ catalog: [{ match: ['x.z'], effects: ['write'], risk: 'low', words: '"'.repeat(200) }] }, 1),
  ...[0, 1].map((version) => ({
    ...deployment(meaning('x.w', 'read'), version),
    shadowUntil: '2026-01-20T00:00:00.000Z',
  })),
];

/** A command without its ids: `n` selects them from the ids that exist when it is played. */
export interface Draft {
  readonly type: CommandType;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly n: number;
  readonly wait: number;
  readonly as: 'person' | 'run' | 'service';
}
const FIELDS: { [T in CommandType]: fc.Arbitrary<Record<string, unknown>> } = {
  openRun: fc.record(
    {
      agent,
      principalRef: fc.constant(ref),
      purposeRef: fc.constant(ref),
      grant,
      requireApproval: fc.boolean(),
    },
    { requiredKeys: ['agent', 'principalRef', 'purposeRef', 'grant'] },
  ),
  delegate: fc.record({ agent, purposeRef: fc.constant(ref), grant }),
  authorize,
  settle: fc.record({ outcome }),
  completeRun: fc.constant({}),
  escalate: fc.record({ want: grant }),
  decideApproval: fc.record({ verdict: fc.constantFrom('approve', 'approve', 'deny') }),
  requestAccess: fc.constant({}),
  withdrawRequest: fc.constant({}),
  suspend: fc.record({ reasonCode }),
  resume: fc.record({ reasonCode }),
  renew: fc.constant({}),
  narrow: fc.record({ grant }),
  revokeGrant: fc.constant({}),
  revokeSelector: fc.record(
    {
      selector,
      force: fc.constant(true),
      quarantine: fc.constantFrom(true, true, false),
      mode: fc.constant('suspend'),
    },
    { requiredKeys: ['selector', 'force', 'quarantine'] },
  ),
  liftQuarantine: fc.constant({}),
  liftSuspension: fc.constant({}),
  setTenantBudget: fc.record({
    name: fc.constantFrom('team', 'x'.repeat(63)),
    selector: fc.record(
      {
        principalRef: fc.constant(ref),
        agentClass: plain(LIMITS.nameLength),
        label: fc.constantFrom(label(0), label(1)),
      },
      { requiredKeys: [] },
    ),
    budget: fc.record(
      { calls: amount, cost: costs, windows: listOf(LIMITS.windowsPerBudget, (i) => ({ per: `${i + 1}m`, calls: i })) },
      { requiredKeys: ['calls'] },
    ),
  }),
  removeTenantBudget: fc.record({ name: fc.constantFrom('team', 'x'.repeat(63)) }),
  deployPolicy: fc.constantFrom(...BUNDLES),
  recordMcpApproval: fc.record({
    server: fc.constant('s'.repeat(32)),
    digest: fc.constant(`sha256:${'f'.repeat(64)}`),
    identity: fc.constant(`sha256:${'e'.repeat(64)}`),
    tools: fc.constant(LIMITS.mcp.toolsPerServer),
  }),
  recordMcpServer: fc.record({
    server: fc.constant('s'.repeat(32)),
    change: fc.constantFrom('registered', 'removed'),
    identity: fc.constant(`sha256:${'e'.repeat(64)}`),
  }),
  recordWebhook: fc.record({
    webhook: fc.constant('s'.repeat(32)),
    change: fc.constantFrom('registered', 'rotated', 'removed'),
    host: fc.constant('h'.repeat(300)),
    types: fc.constant(40),
    disabled: fc.constant(true),
  }),
  recordSession: fc.record({
    change: fc.constantFrom('started', 'ended'),
    with: fc.constantFrom('link', 'issuer', 'token'),
    personRef: fc.constant(ref),
    sessions: fc.constant(LIMITS.sessions.perTenant),
  }),
  recordSignal: fc.record({
    transmitter: fc.constant('s'.repeat(32)),
    set: fc.constant(`set:${'f'.repeat(32)}`),
    types: fc.constant(Array.from({ length: LIMITS.signals.eventsPerSet }, () => '"'.repeat(LIMITS.signals.typeChars))),
    outcome: fc.constantFrom('ignored', 'unknownSubject', 'nothingLive', 'refused'),
  }),
  recordKey: fc.record(
    {
      keyId: fc.constant(`key_${'z'.repeat(26)}`),
      change: fc.constantFrom('issued', 'rotated', 'revoked'),
      name: fc.constant('n'.repeat(80)),
      role: fc.constantFrom('admin', 'orchestrator'),
      personRef: fc.constant(ref),
      groups: fc.constantFrom(
        Array.from({ length: LIMITS.actorGroups }, (_, i) => `${'"'.repeat(20)}${i % 10}`),
        ['g'.repeat(LIMITS.nameLength)],
      ),
      expiresAt: fc.constant('2027-01-01T00:00:00.000Z'),
      overlapUntil: fc.constant('2027-01-01T00:00:00.000Z'),
    },
    { requiredKeys: ['keyId', 'change', 'name'] },
  ),
  erase: fc.record({ subjectRef: fc.constant(ref), found: fc.constant(found) }),
  setAsideEvent: fc.record({ position: fc.nat(60), bodyDigest: fc.constant(`sha256:${'0'.repeat(64)}`) }),
  recordDrift: fc.record({ score: fc.constantFrom(0, 0.5, 1), features, monitor: plain(80) }),
  recordRefusal: fc.record({ command: plain(80), detail: text(1_000) }),
  tick: fc.constant({}),
  summarizeRefusals: fc.record(
    {
      since: fc.constant('2026-01-01T00:00:00.000Z'),
      refused: listOf(LIMITS.refusalKinds, (i) => ({
        command: 'c'.repeat(80),
        code: `C${i}`,
        count: LIMITS.amountMax,
      })),
      others: amount,
    },
    { requiredKeys: ['since', 'refused'] },
  ),
};

const WEIGHTS: Partial<Record<CommandType, number>> = {
  openRun: 8,
  delegate: 12,
  authorize: 24,
  settle: 14,
  escalate: 8,
  decideApproval: 12,
  resume: 4,
  renew: 8,
  completeRun: 1,
  revokeGrant: 1,
  revokeSelector: 2,
  narrow: 3,
};
export const drafts = (maxLength: number): fc.Arbitrary<Draft[]> =>
  fc.array(
    fc.oneof(
      ...(Object.keys(FIELDS) as CommandType[]).map((type) => ({
        weight: WEIGHTS[type] ?? 2,
        arbitrary: fc.record({
          type: fc.constant(type),
          fields: FIELDS[type],
          n: fc.nat(1_000),
          wait: fc.oneof(
            { weight: 40, arbitrary: fc.constant(0) },
            { weight: 1, arbitrary: fc.constantFrom(1_000, LIMITS.permitMs, LIMITS.approvalMs) },
          ),
          as: fc.constantFrom('person' as const, 'person' as const, 'run' as const, 'service' as const),
        }),
      })),
    ),
    { minLength: maxLength >> 1, maxLength, size: 'max' },
  );

/** The member of a command type that contains an id, and the kind of that id. */
export const NAMES: { readonly [T in CommandType]?: readonly [member: string, kind: IdKind] } = {
  delegate: ['grantId', 'grant'],
  authorize: ['grantId', 'grant'],
  settle: ['actionId', 'action'],
  completeRun: ['runId', 'run'],
  escalate: ['runId', 'run'],
  decideApproval: ['approvalId', 'approval'],
  requestAccess: ['approvalId', 'approval'],
  withdrawRequest: ['approvalId', 'approval'],
  suspend: ['grantId', 'grant'],
  resume: ['grantId', 'grant'],
  renew: ['grantId', 'grant'],
  narrow: ['grantId', 'grant'],
  revokeGrant: ['grantId', 'grant'],
  revokeSelector: ['revocationId', 'revocation'],
  liftQuarantine: ['revocationId', 'revocation'],
  liftSuspension: ['revocationId', 'revocation'],
  recordDrift: ['runId', 'run'],
};
export const inventedId = (kind: IdKind, n: number): string => deriveId(kind, 0, `invented ${n}`);
