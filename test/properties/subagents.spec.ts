import fc from 'fast-check';
import { Audit } from '@bailiwick/audit/audit';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { moves, type Move } from './moves';
import { chain, dead, opened, Tally } from './naive';
import { Play } from './play';

/**
 * Fails if a child of a lease that asks is issued without an answer, or by the answer of a run; if a child or a narrowing
 * sheds the duty; if a run has power over more than it delegated, or while it is suspended.
 */
fc.configureGlobal({ seed: 20261202 });

const asking = (request: GrantRequest): GrantRequest => ({
  ...request,
  delegation: { depth: 3, children: 20, classes: ['*'], ...request.delegation, ask: true },
});
/** Some or all leases ask; the others are above or below them. */
const story = fc
  .tuple(
    moves(60, [
      'delegate',
      'delegate',
      'delegate',
      'answer',
      'answer',
      'answer',
      'answer',
      'act',
      'escalate',
      'wait',
      'narrow',
      'revoke',
    ]),
    fc.constantFrom('root', 'children'),
  )
  .map(([all, who]) =>
    all.map((move, i): Move => {
      if (move.do === 'open' && who === 'root') return { ...move, grant: asking(move.grant) };
      if (move.do === 'delegate' && who === 'children' && i % 2 === 1)
        return { ...move, request: asking(move.request) };
      return move;
    }),
  );

function audit(events: readonly Event[]): string[] {
  const auditor = new Audit({ log: 'default/0', keys: [], heads: [] });
  for (const event of events) {
    const { log, position, type, time } = event;
    auditor.add({ log, position, type, time, body: JSON.stringify(event) });
  }
  return auditor.report().findings.map(({ check, detail }) => `${check}: ${detail}`);
}

/** Returns the first leases of children of which a lease above asks, with the events before them. */
function askedFor(events: readonly Event[]): [EventOf<'GrantIssued'>, readonly Event[]][] {
  return events.flatMap((event, i): [EventOf<'GrantIssued'>, readonly Event[]][] => {
    if (event.type !== 'GrantIssued' || event.data.parentId === undefined || event.data.supersedes !== undefined)
      return [];
    const before = events.slice(0, i);
    const asks = chain(before, event.data.parentId).some(({ data }) => data.limits.delegation.ask);
    return asks ? [[event, before]] : [];
  });
}

describe('I8: a child of a lease that asks', () => {
  it('has no lease before a person has approved exactly this one', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { events } = new Play().play(all).log;
      for (const [issued, before] of askedFor(events)) {
        const { approvalId } = issued.data;
        expect(approvalId).toBeDefined();
        const asked = before.filter((each) => each.type === 'ApprovalRequested' && each.data.approvalId === approvalId);
        expect(asked).toMatchObject([{ runId: issued.runId, data: { kind: 'grant', limits: issued.data.limits } }]);
        const answers = before.filter((each) => each.type === 'ApprovalGiven' && each.data.approvalId === approvalId);
        expect(answers).toMatchObject([{ runId: issued.runId, data: { verdict: 'approve' } }]);
        expect(['run', 'system']).not.toContain(answers[0]?.actor.kind);
        expect(before.some((each) => each.runId === issued.runId && each.type === 'ActionPermitted')).toBe(false);
        expect(dead(before, issued.data.parentId as string, Date.parse(issued.time))).toBeUndefined();
        tally.add('approved');
      }
      for (const event of events) if (event.type === 'ApprovalGiven') tally.add(event.data.verdict);
    });
    fc.assert(property, { numRuns: 90 });
    tally.atLeast(20, 'approved', 'deny');
  }, 60_000);

  it('asks for its own children too, and sheds that by no narrowing', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { events } = new Play().play(all).log;
      for (const [issued] of askedFor(events)) {
        const [own] = chain(events, issued.grantId as string);
        if (own?.grantId !== issued.grantId) continue; // raised by a person
        const above = chain(events, issued.data.parentId as string)[0];
        if (!above?.data.limits.delegation.ask) continue;
        expect(own?.data.limits.delegation.ask).toBe(true);
        tally.add(
          events.some((each) => each.type === 'GrantNarrowed' && each.grantId === issued.grantId)
            ? 'narrowed'
            : 'issued',
        );
      }
    });
    fc.assert(property, { numRuns: 60 });
    tally.atLeast(20, 'issued');
  }, 60_000);

  it('is no finding of the auditor if it was approved, and always one if it was not', () => {
    const tally = new Tally();
    const property = fc.property(story, fc.nat(30), (all, n) => {
      const { events } = new Play().play(all).log;
      expect(audit(events)).toEqual([]);
      const children = askedFor(events);
      const [issued] = children[n % children.length] ?? [];
      if (!issued) return;
      const { approvalId, approvedBy: _, ...data } = issued.data;
      const unasked = events.map((each): Event => (each === issued ? { ...issued, data } : each));
      expect(audit(unasked).filter((each) => each.startsWith('approval: '))).not.toEqual([]);
      const byRun = events.map((each): Event =>
        each.type === 'ApprovalGiven' && each.data.approvalId === approvalId
          ? { ...each, actor: { kind: 'run', id: opened(events, issued.runId)?.data.parentRunId as string } }
          : each,
      );
      expect(audit(byRun).filter((each) => each.startsWith('approval: '))).not.toEqual([]);
      tally.add('forged');
    });
    fc.assert(property, { numRuns: 50 });
    tally.atLeast(20, 'forged');
  }, 60_000);
});

/** Two of three moves are those of the run above. */
const powerful = (stories: fc.Arbitrary<Move[]>): fc.Arbitrary<Move[]> =>
  stories.map((all) =>
    all.map((move, i): Move => {
      const isPower = move.do === 'suspend' || move.do === 'resume' || move.do === 'revoke' || move.do === 'narrow';
      return isPower && i % 3 > 0 ? { ...move, who: 'parent' } : move;
    }),
  );

describe('the power of a run', () => {
  const powers = powerful(
    moves(60, [
      'delegate',
      'delegate',
      'act',
      'suspend',
      'suspend',
      'resume',
      'resume',
      'revoke',
      'narrow',
      'wait',
      'drift',
    ]),
  );
  const POWERS: readonly Event['type'][] = ['GrantSuspended', 'GrantResumed', 'GrantRevoked', 'GrantNarrowed'];
  const isDecided = (event: Event): boolean =>
    event.actor.kind === 'run' &&
    POWERS.includes(event.type) &&
    !(event.type === 'GrantSuspended' && ['OVERRUN', 'DRIFT'].includes(event.data.reason.code));

  it('reaches what it delegated while it is live, and nothing else', () => {
    const tally = new Tally();
    const property = fc.property(powers, (all) => {
      const { events } = new Play().play(all).log;
      events.forEach((event, i) => {
        if (!isDecided(event)) return;
        const before = events.slice(0, i);
        const line = chain(before, event.grantId as string);
        const own = line.findIndex(({ runId }) => runId === event.actor.id);
        expect(own).toBeGreaterThanOrEqual(event.type === 'GrantNarrowed' ? 0 : 1);
        expect(dead(before, line[own]?.grantId as string, Date.parse(event.time))).toBeUndefined();
        tally.add(event.type);
      });
    });
    fc.assert(property, { numRuns: 120 });
    tally.atLeast(5, ...POWERS);
  }, 60_000);

  it('undoes only suspensions by the run itself', () => {
    const tally = new Tally();
    const property = fc.property(powers, (all) => {
      const { events } = new Play().play(all).log;
      events.forEach((event, i) => {
        if (event.type !== 'GrantResumed' || event.actor.kind !== 'run') return;
        const last = events
          .slice(0, i)
          .findLast((each) => each.type === 'GrantSuspended' && each.grantId === event.grantId);
        expect(last?.actor).toEqual(event.actor);
        tally.add('resumed');
      });
    });
    fc.assert(property, { numRuns: 120 });
    tally.atLeast(5, 'resumed');
  }, 60_000);
});
