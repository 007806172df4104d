import fc from 'fast-check';
import { revokedWhilePending } from '@bailiwick/authority/presentation/approval-status';
import { couldUse } from '@bailiwick/authority/matching/could-use';
import { blockedItself } from '@bailiwick/authority/state/liveness';
import { strikes } from '@bailiwick/authority/revocation/rule-set';
import { selects } from '@bailiwick/authority/revocation/selects';
import { ruleOf, subjectOf } from '@bailiwick/authority/revocation/revocation-rules';
import { chainOf, type RunNode } from '@bailiwick/authority/state/state';
import { REF, ROOMY, type Fields } from '@bailiwick/authority/testing/harness';
import type { Selector } from '@bailiwick/contracts/grants/grant';
import type { CommandType } from '@bailiwick/contracts/commands/command';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { ACTION_RECEIPT, TREE_RECEIPT } from '@bailiwick/contracts/receipts/receipt';
import { eventsOfReceipt } from './select';
import { readStory } from './story';
import { ruleStrikesGrant } from './strikes';
import { summarise } from './summary';
import { moves, play } from './testing/random-log';
import { brokenAt, otherReceiptOf, provedEvents, prover, SealedLog, signed, VKEY } from './testing/sealed-log';
import { makeStatement } from './envelope';
import { verifyReceipt, type Verification } from './verify';

fc.configureGlobal({ seed: 20260133 });

const ENDED = ['completed', 'expired', 'exhausted', 'revoked', 'refused'];

/** Returns the status of a run by the rules that decide. A suspension above does not hide an end below it. */
function statusOf(log: SealedLog, run: RunNode): string {
  if (ENDED.includes(run.status)) return run.status;
  if (revokedWhilePending(log.state, run, log.now)) return 'revoked';
  const chain = run.grantId === undefined ? [] : (chainOf(log.state, run.grantId) ?? []);
  const blocked = chain.map((grant) => blockedItself(log.state, grant, log.now)?.status);
  return blocked.findLast((status) => status !== undefined && status !== 'suspended') ?? 'alive';
}

/** Records how each run ended first by the rules that decide. Receipts share no code with those rules and must agree. */
class WatchedLog extends SealedLog {
  readonly ends = new Map<string, { status: string; from: number }>();

  override try<T extends CommandType>(type: T, fields: Fields<T>): ReturnType<SealedLog['try']> {
    const from = this.events.length;
    const result = super.try(type, fields);
    for (const run of this.state.runs.values()) {
      const status = statusOf(this, run);
      if (ENDED.includes(status) && !this.ends.has(run.id)) this.ends.set(run.id, { status, from });
    }
    return result;
  }
}

const DECISIONS = ['ActionPermitted', 'ActionDenied', 'ActionStepUp'];

/** Returns the counters that the rules keep for a whole tree: everything is charged to its root. */
function countersOfRoot(log: SealedLog, treeId: string): object {
  const root = [...log.state.runs.values()].find((run) => run.treeId === treeId && run.parentRunId === undefined);
  const usage = root?.grantId === undefined ? undefined : log.state.grants.get(root.grantId)?.usage;
  const { calls = 0, reads = 0, writes = 0, external = 0 } = usage?.committed ?? {};
  return { calls, reads, writes, external };
}

describe('receipts of a random log', () => {
  it('verify, state the end that the rules recorded first, and state amounts equal to their counters', () => {
    let endings = 0;
    let permits = 0;
    fc.assert(
      fc.property(moves(60), (all) => {
        const log = new WatchedLog();
        for (const move of all) play(log, move);
        const story = log.story();
        const prove = prover(log.stored().map(({ body }) => body));
        const verified = new Map<string, Verification>();
        const spent = new Map<string, { calls: number; reads: number; cost: number }>();
        for (const runId of log.state.runs.keys()) {
          const chosen = eventsOfReceipt(runId, story);
          const read = readStory(chosen);
          expect(eventsOfReceipt(runId, read)).toEqual(chosen);
          const claims = summarise(runId, read);
          // verifying every receipt would take too long
          if (verified.size < 4)
            verified.set(runId, verifyReceipt(signed(makeStatement(claims, provedEvents(log, chosen, prove))), VKEY));
          const end = log.ends.get(runId);
          expect(claims.ended?.reason.split(/[: ]/)[0]).toBe(end?.status);
          if (end) expect(claims.ended?.position).toBeGreaterThanOrEqual(end.from);
          spent.set(runId, { calls: claims.spent.calls, reads: claims.spent.reads, cost: claims.spent.cost.USD ?? 0 });
          endings += end ? 1 : 0;
          permits += claims.actions.length;
        }
        expect([...verified.values()].map(brokenAt).join('')).toBe('');
        for (const treeId of [...log.state.trees.keys()].slice(0, 2)) {
          const tree = verifyReceipt(otherReceiptOf(log, TREE_RECEIPT, treeId), VKEY);
          expect(brokenAt(tree)).toBe('');
          expect(tree.statement?.predicate).toMatchObject({ spent: countersOfRoot(log, treeId) });
        }
        for (const { actionId } of log.events.filter(({ type }) => DECISIONS.includes(type)).slice(0, 4))
          expect(brokenAt(verifyReceipt(otherReceiptOf(log, ACTION_RECEIPT, actionId as string), VKEY))).toBe('');
        for (const run of log.state.runs.values()) {
          const usage = run.grantId === undefined ? undefined : log.state.grants.get(run.grantId)?.usage;
          if (!usage) continue;
          const below = [...log.state.runs.values()].filter(
            (each) =>
              each.grantId !== undefined && chainOf(log.state, each.grantId)?.some(({ runId }) => runId === run.id),
          );
          const sum = (pick: (of: { calls: number; reads: number; cost: number }) => number): number =>
            below.reduce((total, each) => total + pick(spent.get(each.id) as never), 0);
          expect([sum((of) => of.calls), sum((of) => of.reads), sum((of) => of.cost)]).toEqual([
            usage.committed.calls,
            usage.committed.reads,
            (usage.committed.cost.USD ?? 0) + (usage.reserved.cost.USD ?? 0),
          ]);
        }
      }),
      { numRuns: 60 },
    );
    // fail if the random logs contain too few endings or permits
    expect(endings).toBeGreaterThan(30);
    expect(permits).toBeGreaterThan(50);
  });
});

describe('ruleStrikesGrant', () => {
  const log = new SealedLog();
  const allow = [['*'], ['**'], ['file.*'], ['file.read', 'email.*'], ['**.send'], ['*.read'], ['a.*.c'], []];
  const deny = [[], ['file.read'], ['email.**'], ['*']];
  allow.forEach((each, i) => {
    log.now += 1_000;
    const agent = {
      class: `class-${i % 3}`,
      ...(i % 2
        ? { instance: `i-${i}`, posture: { modelVersion: `m-${i % 3}`, environment: i % 4 === 1 ? 'prod' : 'Prod' } }
        : {}),
    };
    const { grantId } = log.open(
      {
        ...ROOMY,
        actions: { allow: each, deny: deny[i % deny.length] as string[] },
        resources: [
          [{ type: '*', match: '**' }],
          [{ type: 'file', match: 'a/**', except: ['a/b/**', 'a/*.md'] }],
          [
            { type: 'file', match: 'a/b*/c' },
            { type: 'repo', match: '*' },
          ],
          [{ type: 'page', match: 'https://example.com/**' }],
        ][i % 4] as Selector[],
        ...(i % 3 === 1 ? { deny: [{ actions: ['**.send'], resources: [{ type: 'file', match: 'a/**' }] }] } : {}),
        ...(i === 3 ? { deny: [{ actions: ['**'], resources: [{ type: '*', match: '**' }] }] } : {}),
        ...(i % 5 === 2
          ? { permissions: [{ actions: ['file.*'], resources: [{ type: 'file', match: 'a/b*/**' }] }] }
          : {}),
      },
      { agent },
    );
    log.child(
      grantId,
      { actions: { allow: each } },
      { agent: { class: 'helper' }, purposeRef: `ref_${String(i % 2).repeat(26)}` },
    );
  });
  const story = log.story();
  const tools = ['file.read', 'file', 'FILE.Read ', 'email.send', 'a.b.c', 'a.b', 'x', 'not a verb!', 'ﬁle.read'];
  const maybe = <T>(...values: T[]): fc.Arbitrary<T | undefined> =>
    fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...values) });
  const times = ['2026-01-01T00:00:04Z', '2026-01-01T01:00:04.000+01:00', '2025-01-01T00:00:00Z'];
  const resources = [
    '**',
    'a/**',
    'a/b/x',
    'a/b/*',
    'a/*.md',
    'a/x*',
    'x',
    '/**',
    'https://example.com/a',
    'https://**',
  ];
  const parts = fc.record<StoredSelector>({
    agentClass: maybe('class-0', 'class-1', 'CLASS-2', 'helper', 'none'),
    agentInstance: maybe('i-1', 'i-3', 'none'),
    modelVersion: maybe('m-0', 'm-1', 'none'),
    environment: maybe('prod', 'test'),
    principalRef: maybe(REF, `ref_${'9'.repeat(26)}`),
    purposeRef: maybe(REF, `ref_${'1'.repeat(26)}`),
    treeId: maybe(...log.state.trees.keys()),
    tool: maybe(...tools),
    verb: maybe('file.*', '**', '**.send', 'a.**', 'email.send', 'file.read', '*.b'),
    resource: maybe(
      ...resources.flatMap((match) => ['*', 'file', 'File', 'repo', 'page'].map((type) => ({ type, match }))),
    ),
    issuedBefore: maybe(...times),
    issuedAfter: maybe(...times),
  });
  const among = (part: fc.Arbitrary<StoredSelector>): fc.Arbitrary<StoredSelector> =>
    fc
      .tuple(
        parts,
        fc.option(fc.array(part, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
        fc.option(fc.array(part, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
        fc.option(part, { nil: undefined, freq: 2 }),
      )
      .map(([own, all, any, not]) => ({ ...own, all, any, not }));
  const selector = fc.oneof(parts, among(parts), among(among(parts)));

  it('agrees with the rules that decide, without sharing code with them', () => {
    let struck = 0;
    fc.assert(
      fc.property(selector, fc.nat(log.events.length), (each, position) => {
        const event = {
          type: 'RevocationRuleAdded',
          position,
          data: { revocationId: 'rev', selector: each, quarantine: false },
        } as never;
        const rule = ruleOf({ revocationId: 'rev', selector: each, quarantine: false }, position, log.now);
        for (const grant of log.state.order) {
          const run = log.state.runs.get(grant.runId);
          const issued = story.issues.get(grant.id);
          const opened = story.openings.get(grant.runId);
          if (!run || !issued || !opened) throw new Error('the log is not as it was made');
          const expected = strikes(rule, run) && selects(each, subjectOf(run, grant));
          expect(ruleStrikesGrant(event, issued.event, opened, story)).toBe(expected);
          struck += expected ? 1 : 0;
        }
      }),
      { numRuns: 400 },
    );
    expect(struck).toBeGreaterThan(100);
  });

  it('matches a tool against any limits as those rules do', () => {
    const segment = fc.constantFrom('a', 'b', '*', '**');
    const pattern = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
    const verb = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
    const issued = log.last('GrantIssued');
    const opened = story.openings.get(issued.runId as string);
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 3 }),
        fc.array(pattern, { maxLength: 2 }),
        fc.option(fc.array(pattern, { minLength: 1, maxLength: 2 }), { nil: undefined }),
        fc.option(fc.tuple(pattern, fc.constantFrom('**', 'a/**')), { nil: undefined }),
        verb,
        (allowed, denied, entry, pair, tool) => {
          const everything = [{ type: '*', match: '**' }];
          const limits = {
            ...issued.data.limits,
            actions: { mode: 'execute' as const, allow: allowed, deny: denied },
            ...(entry ? { permissions: [{ actions: entry, resources: everything }] } : {}),
            ...(pair ? { deny: [{ actions: [pair[0]], resources: [{ type: '*', match: pair[1] }] }] } : {}),
          };
          const rule = {
            type: 'RevocationRuleAdded',
            position: 1_000,
            data: { revocationId: 'rev', selector: { tool }, quarantine: false },
          } as never;
          const grant = { ...issued, data: { ...issued.data, limits } };
          expect(ruleStrikesGrant(rule, grant, opened as never, story)).toBe(couldUse(limits, tool));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
