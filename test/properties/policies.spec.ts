import fc from 'fast-check';
import { evolve } from '@bailiwick/authority/events/evolve';
import { classify } from '@bailiwick/authority/matching/catalog';
import { compileCatalog, type Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { emptyState } from '@bailiwick/authority/state/state';
import { WhatIf } from '@bailiwick/authority/what-if/what-if';
import { Rulebook } from '@bailiwick/audit/audit-rules';
import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { replayRequest } from '@bailiwick/contracts/replay/replay';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { moves } from './moves';
import { Tally } from './naive';
import { Play } from './play';

/**
 * Fails if a decision is made under another version than the one in force, or names another; if a deployment that
 * replaces a version that is not in force is accepted; if a fold from a snapshot has another policy.
 */
fc.configureGlobal({ seed: 20260316 });

const story = fc.oneof(
  moves(40, ['open', 'deploy policy', 'act', 'act', 'act']),
  moves(60, [
    'open',
    'deploy policy',
    'deploy policy',
    'delegate',
    'act',
    'act',
    'try again',
    'settle',
    'revoke',
    'wait',
  ]),
);

type Decision = EventOf<'ActionPermitted'> | EventOf<'ActionDenied'> | EventOf<'ActionStepUp'>;
const isDecision = (event: Event): event is Decision =>
  ['ActionPermitted', 'ActionDenied', 'ActionStepUp'].includes(event.type);

/** The version and the catalog in force after some events, from the events alone. */
function inForce(events: readonly Event[]): { version: number; catalog: Catalog } {
  const at = events.findLastIndex(({ type }) => type === 'PolicyDeployed');
  if (at < 0) return { version: 0, catalog: DEFAULT_CATALOG };
  const { data } = events[at] as EventOf<'PolicyDeployed'>;
  const parts = events.slice(at - data.parts, at) as EventOf<'PolicyPart'>[];
  const bundle = JSON.parse(parts.map((part) => part.data.text).join('')) as PolicyBundle;
  const compiled = compileCatalog(bundle.catalog ?? []);
  if (!compiled.ok) throw new Error('a bundle that does not compile was deployed');
  return { version: data.version, catalog: compiled.value };
}

describe('every decision is made under exactly one policy', () => {
  it('which is the one in force at its position, and what a call counts as follows from it', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const play = new Play().play(all);
      const { events } = play.log;
      events.forEach((event, i) => {
        if (!isDecision(event)) return;
        const { version, catalog } = inForce(events.slice(0, i));
        expect(event.data.policy ?? 0).toBe(version);
        const { verb, resource, stated } = event.data;
        const command = play.sent.find(({ commandId }) => commandId === event.commandId) as CommandOf<'authorize'>;
        const { action, labels = [] } = command;
        const { effects, risk } = classify(
          {
            verb,
            spelled: action.verb,
            tool: action.tool,
            effect: action.effect,
            risk: action.risk,
            labels,
            resource: { type: resource.type, id: resource.id, attributes: resource.attributes ?? {} },
            vouched: stated === undefined,
          },
          catalog,
        );
        expect([event.data.effects ?? [event.data.effect], event.data.risk]).toEqual([effects, risk]);
        tally.add(version === 0 ? 'of the release' : version === 1 ? 'first' : 'later');
        tally.add(event.type);
      });
    });
    fc.assert(property, { numRuns: 70 });
    tally.atLeast(30, 'of the release', 'first', 'later', 'ActionPermitted', 'ActionDenied');
  });

  it('and versions are 1, 2, 3 …, each in place of the one before it', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const play = new Play();
      play.play(all, () => {
        const before = play.log.state.policies.version;
        const last = play.sent.at(-1);
        if (last?.type === 'deployPolicy') tally.add(last.replaces === before ? 'in force' : 'replaced since');
      });
      const deployed = play.of('PolicyDeployed').map(({ data }) => [data.replaces, data.version]);
      expect(deployed).toEqual(deployed.map((_, i) => [i, i + 1]));
      for (const { actor } of play.of('PolicyDeployed')) expect(actor.kind).not.toBe('run');
    });
    fc.assert(property, { numRuns: 50 });
    tally.atLeast(10, 'in force', 'replaced since');
  });

  it('and a fold that continues from a snapshot has the same one as a fold of the whole log (I10)', () => {
    const property = fc.property(story, fc.nat(100), (all, cut) => {
      const { events, state } = new Play().play(all).log;
      const at = cut % (events.length + 1);
      const first = emptyState(state.log, state.tenant, state.n);
      for (const event of events.slice(0, at)) evolve(first, event);
      const restored = fromSnapshot(toSnapshot(first));
      for (const event of events.slice(at)) evolve(restored, event);
      expect(stateDigest(restored)).toBe(stateDigest(state));
      expect(restored.policies).toEqual({
        ...state.policies,
        current: state.policies.current && {
          ...state.policies.current,
          catalog: expect.anything() as unknown,
          rules: expect.anything() as unknown,
        },
      });
    });
    fc.assert(property, { numRuns: 40 });
  });

  it('and a what-if without a change finds no difference in a log with deployments', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { events, state, rules } = new Play().play(all).log;
      for (const event of events) {
        if (event.type === 'GrantSuspended') tally.add(event.data.reason.code);
        if (isDecision(event) && event.data.reasons.some(({ code }) => code === 'POLICY_RULE')) tally.add(event.type);
      }
      const empty = emptyState(state.log, state.tenant, state.n);
      const whatIf = new WhatIf(empty, replayRequest.parse({ change: {} }), rules);
      for (const event of events) whatIf.take(structuredClone(event));
      expect(whatIf.end().differences).toEqual([]);
    });
    fc.assert(property, { numRuns: 40 });
    tally.atLeast(3, 'POLICY_RULE', 'ActionPermitted', 'ActionStepUp', 'ActionDenied');
  });

  it('and the auditor finds nothing, and finds a decision that names another version', () => {
    const tally = new Tally();
    const property = fc.property(story, fc.nat(100), (all, which) => {
      const { events } = new Play().play(all).log;
      expect(findings(events)).toEqual([]);
      const decisions = events.filter(isDecision);
      const forged = decisions[which % Math.max(1, decisions.length)];
      if (!forged) return;
      const { policy, ...data } = forged.data;
      const other = { ...forged, data: policy === undefined ? { ...data, policy: 1 } : data } as Event;
      expect(findings(events.map((event) => (event === forged ? other : event)))).toHaveLength(1);
      tally.add('forged');
    });
    fc.assert(property, { numRuns: 40 });
    tally.atLeast(30, 'forged');
  });
});

function findings(events: readonly Event[]): string[] {
  const [book, found] = [new Rulebook(), [] as string[]];
  for (const event of events)
    book.check(event, (check, detail) => {
      if (check === 'policy') found.push(detail);
    });
  return found;
}
