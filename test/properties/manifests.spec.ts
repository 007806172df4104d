import fc from 'fast-check';
import { judge, understand, type Judgement } from '@bailiwick/authority/commands/actions/judge';
import { compileAgents, type Agents } from '@bailiwick/authority/manifests/agents';
import { evolve } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { Policies } from '@bailiwick/authority/state/policies';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { chainOf, emptyState, type GrantNode } from '@bailiwick/authority/state/state';
import { delegateTestRun, openTestRun, REF, TestLog } from '@bailiwick/authority/testing/harness';
import { deploy, manifests, type ManifestFields } from '@bailiwick/authority/testing/policies';
import { WhatIf } from '@bailiwick/authority/what-if/what-if';
import { Rulebook } from '@bailiwick/audit/audit-rules';
import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { Event } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import type { WorkingHours } from '@bailiwick/contracts/policy/manifest';
import { replayRequest } from '@bailiwick/contracts/replay/replay';
import { call, maybe, one, rootGrant, sent, type Call } from './asked-for';
import { moves } from './moves';
import { Tally } from './naive';
import { asked, Play } from './play';

/**
 * Fails if a manifest makes a decision milder; if it denies a call under a lease that it let pass for being too wide; if
 * it does not bound a lease, wherever that is in a chain; if a fold, a what-if or the auditor differ from the decisions.
 */
fc.configureGlobal({ seed: 20260417 });

const HOURS: WorkingHours = {
  days: ['mon', 'tue', 'wed', 'thu', 'fri'],
  from: '08:00',
  until: '18:00',
  timezone: 'Asia/Kathmandu',
};

type Most = NonNullable<ManifestFields['most']>;
const most: fc.Arbitrary<Most> = rootGrant.chain(
  ({ actions, resources, permissions, deny, budget, delegation, risk }) => {
    const { reserve: _reserve, ...caps } = budget ?? {};
    const all = sent({
      actions,
      resources,
      permissions,
      deny,
      budget: caps,
      delegation,
      risk,
      time: { ttl: '2h' },
      purpose: { onDrift: { stepUpAt: 0.3, suspendAt: 0.6 } },
      posture: { modelVersion: ['1'] },
    }) as Record<string, unknown>;
    return fc
      .subarray(Object.keys(all), { maxLength: 4 })
      .map((names) => Object.fromEntries(names.map((name) => [name, all[name]])));
  },
);
const agents: fc.Arbitrary<ManifestFields[]> = fc.uniqueArray(
  fc
    .record({
      class: fc.constantFrom('worker', 'helper', 'stray', '*', '*'),
      most: maybe(most, 4),
      hours: one(undefined, undefined, undefined, HOURS),
      beyond: one<ManifestFields['beyond']>(undefined, 'ask'),
    })
    .map((each) => sent(each) as ManifestFields),
  { selector: (each) => each.class, minLength: 1, maxLength: 4 },
);

function compiled(fields: readonly ManifestFields[]): Agents {
  const result = compileAgents(manifests(...fields).agents ?? []);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

/** Decides a call in a state under the given manifests, whatever policy is in force there. */
function judged(log: TestLog, grantId: string, each: Call, given?: Agents): Judgement | undefined {
  const state = { ...log.state, policies: new Policies() };
  const chain = chainOf(state, grantId);
  const run = state.runs.get(chain?.[0]?.runId ?? '');
  if (!chain || !run) return undefined;
  const command = log.command('authorize', asked(grantId, each)) as CommandOf<'authorize'>;
  const understood = understand(command, run, chain[chain.length - 1] as GrantNode, {
    catalog: log.rules.catalog,
    version: 0,
  });
  return understood.ok ? judge(state, chain, understood.value, log.now, { ...log.rules, agents: given }) : undefined;
}

const STRICT = { permit: 0, 'step-up': 1, deny: 2 };
const calls = fc.array(call, { minLength: 1, maxLength: 5 });

describe('a manifest', () => {
  it('makes no decision milder, in the same state and for the same call', () => {
    const tally = new Tally();
    const story = moves(30, ['open', 'delegate', 'delegate', 'act', 'act', 'settle', 'wait']);
    const property = fc.property(story, agents, calls, fc.nat(50), (all, fields, asks, which) => {
      const { log } = new Play().play(all);
      const grants = [...log.state.grants.keys()];
      const grantId = grants[which % Math.max(1, grants.length)] ?? '';
      for (const each of asks) {
        const [before, after] = [judged(log, grantId, each), judged(log, grantId, each, compiled(fields))];
        if (!before || !after) continue;
        expect(STRICT[after.outcome]).toBeGreaterThanOrEqual(STRICT[before.outcome]);
        expect(after.objections).toEqual(expect.arrayContaining(before.objections));
        tally.add(`${before.outcome} ${after.outcome}`);
      }
    });
    fc.assert(property, { numRuns: 80 });
    tally.atLeast(5, 'permit deny', 'permit permit', 'deny deny');
  });

  it('that lets a lease pass changes no decision under it, in working hours', () => {
    const tally = new Tally();
    const property = fc.property(most, rootGrant, calls, (limits, grant, asks) => {
      const log = new TestLog();
      log.now = Date.parse('2026-01-05T06:00:00.000Z'); // a Monday, 11:45 in Kathmandu
      const given = [{ class: 'worker', most: limits, hours: HOURS }];
      deploy(log, manifests(...given));
      const agent = { class: 'worker', posture: { modelVersion: '1' } };
      const opened = log.try('openRun', { agent, principalRef: REF, purposeRef: REF, grant });
      const issued = 'refusal' in opened ? undefined : opened.events.find(({ type }) => type === 'GrantIssued');
      tally.add(issued ? 'issued' : 'not issued');
      if (!issued) return;
      for (const each of asks) {
        const [without, under] = [undefined, compiled(given)].map((by) =>
          judged(log, issued.grantId as string, each, by),
        );
        expect(under?.outcome).toBe(without?.outcome);
        tally.add(under?.outcome ?? 'malformed');
      }
    });
    fc.assert(property, { numRuns: 200 });
    tally.atLeast(20, 'issued', 'not issued', 'permit', 'deny');
  });

  it('bounds a lease that was issued without it from its deployment on, wherever it is in a chain', () => {
    const tally = new Tally();
    const wide: GrantRequest = {
      actions: { allow: ['**'] },
      resources: [{ type: '*', match: '**' }],
      budget: { calls: 50, reads: 50, writes: 50, external: 50, cost: { USD: 100 }, units: { tokens: 100, seats: 10 } },
      delegation: { depth: 2, children: 5, classes: ['*'] },
    };
    const property = fc.property(most, fc.nat(2), calls, (limits, at, asks) => {
      const log = new TestLog();
      const root = openTestRun(log, wide, 'one').grantId;
      const passesOn = { delegation: { depth: 1, children: 1, classes: ['*'] } };
      const middle = delegateTestRun(log, root, passesOn, 'two').grantId;
      const chain = [root, middle, delegateTestRun(log, middle, {}, 'three').grantId];
      const leaf = chain[2] as string;
      const fields = [{ class: '*' }, { class: ['one', 'two', 'three'][at] as string, most: limits }];
      const before = asks.map((each) => judged(log, leaf, each, compiled(fields)));
      deploy(log, manifests(...fields));
      const objections = before[0]?.reasons.filter(({ rule }) => rule === 'manifest') ?? [];
      for (const reason of objections) expect(reason.grantId).toBe(chain[at]);
      const [first] = asks;
      const decided = log.try('authorize', asked(leaf, first as Call));
      const types = 'refusal' in decided ? [] : decided.events.map(({ type }) => type);
      if (objections.some(({ outcome }) => outcome === 'deny')) expect(types).toContain('ActionDenied');
      if (before[0]?.outcome === 'permit') expect(types).toContain('ActionPermitted');
      tally.add(objections.length > 0 ? `bounded ${at}` : (before[0]?.outcome ?? 'malformed'));
    });
    fc.assert(property, { numRuns: 150 });
    tally.atLeast(10, 'bounded 0', 'bounded 1', 'bounded 2', 'permit');
  });
});

describe('a log in which manifests are deployed', () => {
  const story = moves(60, [
    ...(['open', 'open', 'delegate', 'act', 'act', 'try again', 'settle'] as const),
    ...(['answer', 'answer', 'escalate', 'renew', 'narrow', 'wait'] as const),
  ]);

  /** Plays a story, and deploys manifests after each twelfth move. */
  function played(all: Parameters<Play['play']>[0], deployed: readonly ManifestFields[][]): TestLog {
    const play = new Play();
    let made = 0;
    play.play(all, () => {
      made += 1;
      const fields = deployed[Math.floor(made / 12)];
      if (made % 12 === 5 && fields) deploy(play.log, manifests(...fields));
    });
    return play.log;
  }

  it('is accepted by the auditor, replays without a difference, and folds to the same state from any snapshot', () => {
    const tally = new Tally();
    const property = fc.property(
      story,
      fc.array(agents, { minLength: 1, maxLength: 4 }),
      fc.nat(100),
      (all, deployed, cut) => {
        const { events, state, rules } = played(all, deployed);
        const [book, found] = [new Rulebook(), [] as string[]];
        for (const event of events) book.check(event, (check, detail) => found.push(`${check}: ${detail}`));
        expect(found).toEqual([]);
        const empty = () => emptyState(state.log, state.tenant, state.n);
        const whatIf = new WhatIf(empty(), replayRequest.parse({ change: {} }), rules);
        for (const event of events) whatIf.take(structuredClone(event));
        expect(whatIf.end().differences).toEqual([]);
        const first = empty();
        const at = cut % (events.length + 1);
        for (const event of events.slice(0, at)) evolve(first, event);
        const restored = fromSnapshot(toSnapshot(first));
        for (const event of events.slice(at)) evolve(restored, event);
        expect(stateDigest(restored)).toBe(stateDigest(state));
        for (const event of events) tally.add(kindOf(event));
      },
    );
    fc.assert(property, { numRuns: 60 });
    tally.atLeast(10, 'ActionPermitted', 'denied by a manifest', 'beyond');
  });
});

function kindOf(event: Event): string {
  if (event.type === 'ActionDenied' && event.data.reasons.some(({ rule }) => rule === 'manifest'))
    return 'denied by a manifest';
  return event.type === 'GrantIssued' && event.data.beyond !== undefined ? 'beyond' : event.type;
}
