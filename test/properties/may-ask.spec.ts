import fc from 'fast-check';
import { Rulebook } from '@bailiwick/audit/audit-rules';
import { compileAgents } from '@bailiwick/authority/manifests/agents';
import { widerThanMost } from '@bailiwick/authority/manifests/most';
import { evolve } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { emptyState } from '@bailiwick/authority/state/state';
import { act, REF, TestLog } from '@bailiwick/authority/testing/harness';
import { deploy, manifests, type ManifestFields } from '@bailiwick/authority/testing/policies';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { GrantRequest, Permission } from '@bailiwick/contracts/grants/grant';
import { parseDuration } from '@bailiwick/core/duration';
import { Tally } from './naive';

/**
 * I1 for progressive consent. Fails if anything that a run asked for and a person approved is wider than the manifest in
 * force at the approval; if something is asked or given that the manifest does not list; if a bundle is used after its time;
 * if a fold from a snapshot or the auditor differ.
 */
fc.configureGlobal({ seed: 20261130 });

const VERBS = ['file.read', 'file.write', 'file.move', 'mail.send'];
const PATHS = ['a/b', 'a/**', 'b/**', '**'];
const entry: fc.Arbitrary<Permission> = fc
  .record({
    actions: fc.subarray([...VERBS, 'file.*'], { minLength: 1, maxLength: 2 }),
    resources: fc.constantFrom(...PATHS).map((match) => [{ type: 'file', match }]),
    calls: fc.constantFrom(undefined, undefined, 1, 3),
  })
  .map(({ calls, ...rest }) => ({ ...rest, ...(calls === undefined ? {} : { calls }) }));
const bundle = fc
  .record({
    name: fc.constantFrom('one', 'two', 'three'),
    permissions: fc.array(entry, { minLength: 1, maxLength: 2 }),
    lasts: fc.constantFrom(undefined, '5m', '1h'),
  })
  .map(({ lasts, ...rest }) => ({ ...rest, words: 'more', ...(lasts ? { lasts } : {}) }));
const manifest: fc.Arbitrary<ManifestFields> = fc
  .record({
    most: fc.record({
      actions: fc.constantFrom<GrantRequest['actions'][]>(
        { allow: ['file.*'] },
        { allow: ['**'], deny: ['file.move'] },
        { allow: ['**'] },
      ),
      resources: fc.constantFrom('a/**', '**', '**').map((match) => [{ type: 'file', match }]),
      budget: fc.constantFrom({ calls: 8 }, { calls: 50 }),
    }),
    mayAsk: fc.option(fc.array(bundle, { maxLength: 3 }), { freq: 6, nil: undefined }),
    unlisted: fc.constantFrom(undefined, undefined, 'ask' as const),
    beyond: fc.constantFrom(undefined, undefined, 'ask' as const),
  })
  .map(({ mayAsk, unlisted, beyond, most }) => ({
    class: 'worker',
    most,
    lease: {
      permissions: [{ actions: ['file.read'], resources: [{ type: 'file', match: 'a/b' }] }],
      budget: { calls: 5 },
    },
    ...(mayAsk ? { mayAsk, ...(unlisted ? { unlisted } : {}) } : {}),
    ...(beyond ? { beyond } : {}),
  }));

/** Leaves out the bundles that the check of a bundle of policies refuses. */
function accepted(fields: ManifestFields): ManifestFields {
  const names = new Set<string>();
  const mayAsk = fields.mayAsk?.filter((each) => {
    if (names.has(each.name)) return false;
    const isFine = compileAgents(manifests({ ...fields, mayAsk: [each] }).agents ?? []).ok;
    if (isFine) names.add(each.name);
    return isFine;
  });
  return { ...fields, ...(mayAsk ? { mayAsk } : {}) };
}

const move = fc.oneof(
  fc.record({ is: fc.constant('open' as const), grant: fc.constantFrom<GrantRequest[]>({}, { budget: { calls: 3 } }) }),
  fc.record({ is: fc.constant('ask' as const), run: fc.nat(3), ask: fc.constantFrom('one', 'two', 'three', 'four') }),
  fc.record({ is: fc.constant('ask' as const), run: fc.nat(3), ask: fc.constantFrom('one', 'two') }),
  fc.record({
    is: fc.constant('want' as const),
    run: fc.nat(3),
    want: fc.oneof(
      entry.map((each) => ({ permissions: [each] })),
      fc.constantFrom<GrantRequest[]>({ budget: { calls: 40 } }, { actions: { allow: ['mail.send'] } }),
    ),
  }),
  fc.record({
    is: fc.constant('missing' as const),
    run: fc.nat(3),
    verb: fc.constantFrom(...VERBS),
    id: fc.constantFrom('a/b', 'b/c'),
  }),
  fc.record({
    is: fc.constant('answer' as const),
    which: fc.nat(9),
    verdict: fc.constantFrom('approve', 'approve', 'deny'),
  }),
  fc.record({ is: fc.constant('answer' as const), which: fc.constant(9), verdict: fc.constant('approve') }),
  fc.record({
    is: fc.constant('act' as const),
    run: fc.nat(3),
    verb: fc.constantFrom(...VERBS),
    id: fc.constantFrom('a/b', 'b/c'),
  }),
  fc.record({
    is: fc.constant('act' as const),
    run: fc.nat(1),
    verb: fc.constantFrom('file.write', 'file.move'),
    id: fc.constant('a/b'),
  }),
  fc.record({
    is: fc.constant('act' as const),
    run: fc.nat(1),
    verb: fc.constantFrom('file.write', 'file.move'),
    id: fc.constant('a/b'),
  }),
  fc.record({ is: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 200_000, 3_000_000) }),
  fc.record({ is: fc.constant('deploy' as const), manifest }),
);
type Move = typeof move extends fc.Arbitrary<infer T> ? T : never;

const ANN = { kind: 'person' as const, id: 'person:ann' };

class Story {
  readonly log = new TestLog();
  readonly runs: string[] = [];
  manifest: ManifestFields;

  constructor(first: ManifestFields) {
    this.manifest = accepted(first);
    deploy(this.log, manifests(this.manifest));
  }

  play(each: Move): Event[] {
    const { log } = this;
    const runId = 'run' in each ? (this.runs[each.run % Math.max(1, this.runs.length)] ?? '') : '';
    if (each.is === 'wait') return (void (log.now += each.ms), log.tickAll());
    if (each.is === 'deploy') {
      this.manifest = accepted(each.manifest);
      return deploy(log, manifests(this.manifest));
    }
    const result = this.sent(each, runId);
    const events = 'refusal' in result ? [] : result.events;
    for (const event of events) if (event.type === 'RunOpened') this.runs.push(event.runId as string);
    return events;
  }

  private sent(each: Exclude<Move, { is: 'wait' | 'deploy' }>, runId: string): ReturnType<TestLog['try']> {
    const { log } = this;
    switch (each.is) {
      case 'open':
        return log.try('openRun', {
          agent: { class: 'worker' },
          principalRef: REF,
          purposeRef: REF,
          grant: each.grant,
        });
      case 'ask':
        return log.try('escalate', { runId, ask: each.ask });
      case 'want':
        return log.try('escalate', { runId, want: each.want });
      case 'missing':
        return log.try('escalate', { runId, missing: { verb: each.verb, resource: { type: 'file', id: each.id } } });
      case 'answer': {
        const pending = [...log.state.approvals.values()].filter(({ status }) => status === 'pending');
        const approvalId = pending.at(each.which === 9 ? -1 : each.which % Math.max(1, pending.length))?.id ?? '';
        return log.try('decideApproval', { approvalId, verdict: each.verdict, actor: ANN });
      }
      case 'act': {
        const grantId = log.state.runs.get(runId)?.grantId;
        if (grantId === undefined) return { events: [] };
        return { events: [act(log, grantId, each.verb, { resource: { type: 'file', id: each.id } })] };
      }
    }
  }
}

describe('what a run asks for and a person approves', () => {
  it('stays within the manifest, is listed there, and is used in its time only', () => {
    const tally = new Tally();
    const property = fc.property(
      manifest,
      fc.array(move, { minLength: 12, maxLength: 40 }),
      fc.nat(100),
      (first, all, cut) => {
        const story = new Story(first);
        const given = new Map<string, EventOf<'ApprovalRequested'>>();
        story.play({ is: 'open', grant: {} });
        for (const each of all) {
          for (const event of story.play(each)) {
            tally.add(event.type === 'ApprovalRequested' && event.data.bundle ? 'bundle asked' : event.type);
            if (event.type === 'ApprovalRequested') given.set(event.data.approvalId, event);
            if (event.type === 'ApprovalRequested') expectListed(story.manifest, event);
            if (event.type === 'GrantIssued')
              expectWithin(story.manifest, event, given.get(event.data.approvalId ?? ''), tally);
            if (event.type === 'ActionPermitted') expectInTime(story.log, event, tally);
          }
        }
        const { log } = story;
        const [book, found] = [new Rulebook(), [] as string[]];
        for (const event of log.events) book.check(event, (check, detail) => found.push(`${check}: ${detail}`));
        expect(found).toEqual([]);
        const at = cut % (log.events.length + 1);
        const half = emptyState(log.state.log, log.state.tenant, log.state.n);
        for (const event of log.events.slice(0, at)) evolve(half, event);
        const restored = fromSnapshot(toSnapshot(half));
        for (const event of log.events.slice(at)) evolve(restored, event);
        expect(stateDigest(restored)).toBe(stateDigest(log.state));
      },
    );
    fc.assert(property, { numRuns: 60 });
    tally.atLeast(3, 'bundle asked', 'bundle given', 'given otherwise', 'ends in time', 'used in time');
  });
});

function expectListed({ mayAsk, unlisted }: ManifestFields, { data }: EventOf<'ApprovalRequested'>): void {
  if (data.kind !== 'escalation' || mayAsk === undefined || unlisted === 'ask') return;
  expect(mayAsk.map(({ name }) => name)).toContain(data.bundle?.name);
}

function expectWithin(
  fields: ManifestFields,
  { data, time }: EventOf<'GrantIssued'>,
  asked: EventOf<'ApprovalRequested'> | undefined,
  tally: Tally,
): void {
  const compiled = compileAgents(manifests(fields).agents ?? []);
  const most = compiled.ok ? compiled.value.of('worker')?.most : undefined;
  if (!most) throw new Error('no manifest');
  if (data.beyond === undefined) expect(widerThanMost(most, data.limits, Date.parse(time))).toEqual([]);
  if (asked?.data.kind !== 'escalation') return;
  tally.add(asked.data.bundle ? 'bundle given' : 'given otherwise');
  if (fields.mayAsk === undefined || fields.unlisted === 'ask') return;
  const listed = fields.mayAsk.find(({ name }) => name === asked.data.bundle?.name);
  expect(listed).toBeDefined();
  if (listed?.lasts === undefined) return;
  tally.add('ends in time');
  const last = new Date(Date.parse(time) + (parseDuration(listed.lasts) ?? 0)).toISOString();
  const ends = (data.limits.permissions ?? []).map(({ until }) => until ?? '');
  expect(ends).toContain(last);
  expect(ends.every((until) => until <= new Date(Date.parse(time) + 3_600_000).toISOString())).toBe(true);
}

/** A permit needs an entry that has its verb and has not ended: the patterns of this test are few. */
function expectInTime(
  { state }: TestLog,
  { data, grantId = '', time }: EventOf<'ActionPermitted'>,
  tally: Tally,
): void {
  const entries = state.grants.get(grantId)?.limits.permissions ?? [];
  const having = entries.filter(({ actions }) =>
    actions.some((pattern) => pattern === data.verb || (pattern === 'file.*' && data.verb.startsWith('file.'))),
  );
  const live = having.filter(({ until }) => until === undefined || time < until);
  if (entries.length > 0) expect(live.length).toBeGreaterThan(0);
  if (live.some(({ until }) => until !== undefined)) tally.add('used in time');
}
