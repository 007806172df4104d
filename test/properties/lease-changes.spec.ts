import fc from 'fast-check';
import { Audit } from '@bailiwick/audit/audit';
import { attenuatesAll } from '@bailiwick/authority/dimensions/all';
import { isEnd, shedEnds } from '@bailiwick/authority/dimensions/ends-on';
import type { ActionFacts } from '@bailiwick/authority/dimensions/dimension';
import { onOneLevel } from '@bailiwick/authority/commands/grants/narrow';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import { parseDuration } from '@bailiwick/core/duration';
import { anyAction, ending } from './generated-limits';
import { moves } from './moves';
import { chain, covers, dead, issued, Tally } from './naive';
import { Play } from './play';

/**
 * Fails if a renewal may exceed the end of a lease above, or revive an ended one; if a narrowing may widen or reaches
 * nothing below; if a completion that ends a lease leaves it live; if an end of a parent may be shed.
 */
fc.configureGlobal({ seed: 20261129 });

const story = fc.oneof(
  moves(50),
  moves(60, ['renew', 'renew', 'renew', 'narrow', 'act', 'act', 'act', 'settle', 'settle', 'wait', 'wait', 'delegate']),
);

function everyEvent(check: (before: readonly Event[], event: Event, after: readonly Event[]) => void, numRuns: number) {
  const property = fc.property(story, (all) => {
    const { events } = new Play().play(all).log;
    events.forEach((event, i) => check(events.slice(0, i), event, events.slice(i + 1)));
  });
  fc.assert(property, { numRuns });
}

const limitsOf = (events: readonly Event[], id: string | undefined): Limits =>
  (issued(events, id) as EventOf<'GrantIssued'>).data.limits;

it('the auditor reports no finding for a log of renewals, narrowings and completions that end leases', () => {
  const tally = new Tally();
  const property = fc.property(story, (all) => {
    const { events } = new Play().play(all).log;
    const auditor = new Audit({ log: 'default/0', keys: [], heads: [] });
    for (const event of events) {
      const { log, position, type, time } = event;
      auditor.add({ log, position, type, time, body: JSON.stringify(event) });
      tally.add(event.type === 'RunCompleted' ? event.data.reason.code : event.type);
    }
    expect(auditor.report().findings).toEqual([]);
  });
  fc.assert(property, { numRuns: 90 });
  tally.atLeast(3, 'GrantRenewed', 'GrantNarrowed', 'ENDS_ON');
});

describe('I1, I2: a renewal', () => {
  it('extends a live lease by one length at most, within its last end and every end above it', () => {
    const tally = new Tally();
    everyEvent((before, event) => {
      if (event.type !== 'GrantRenewed') return;
      const now = Date.parse(event.time);
      expect(dead(before, event.grantId as string, now)).toBeUndefined();
      const [own, ...above] = chain(before, event.grantId as string).map(({ data }) => data.limits.time);
      const until = Date.parse(event.data.until);
      expect(Date.parse(event.data.from)).toBe(Date.parse(own?.expiresAt ?? ''));
      expect(until).toBeGreaterThan(Date.parse(event.data.from));
      expect(until).toBeLessThanOrEqual(Date.parse(own?.renewUntil ?? ''));
      const starts = Math.max(now, Date.parse(own?.notBefore ?? ''));
      expect(until).toBeLessThanOrEqual(starts + (parseDuration(own?.ttl ?? '') ?? 0));
      for (const { expiresAt } of above) expect(until).toBeLessThanOrEqual(Date.parse(expiresAt));
      tally.add(above.length > 0 ? 'of a child' : 'of a root');
    }, 150);
    tally.atLeast(30, 'of a child', 'of a root');
  });

  it('moves the deadline: nothing expires before its present end', () => {
    const tally = new Tally();
    everyEvent((before, event) => {
      if (event.type !== 'GrantExpired') return;
      const { expiresAt } = limitsOf(before, event.grantId).time;
      expect(Date.parse(event.time)).toBeGreaterThanOrEqual(Date.parse(expiresAt));
      const changed = before.some((each) => each.type === 'GrantRenewed' && each.grantId === event.grantId);
      tally.add(changed ? 'renewed before' : 'never renewed');
    }, 150);
    tally.atLeast(5, 'renewed before', 'never renewed');
  });
});

describe('I1: a narrowing', () => {
  it('takes away and gives nothing, in every dimension', () => {
    const tally = new Tally();
    everyEvent((before, event) => {
      if (event.type !== 'GrantNarrowed') return;
      const held = limitsOf(before, event.grantId);
      expect(attenuatesAll(event.data.limits, onOneLevel(held))).toEqual([]);
      tally.add(JSON.stringify(held) === JSON.stringify(event.data.limits) ? 'same' : 'narrower');
    }, 150);
    tally.atLeast(30, 'narrower');
  });

  it('holds for everything below at once: no permit is outside the present limits of its chain', () => {
    const tally = new Tally();
    everyEvent((before, event) => {
      if (event.type !== 'ActionPermitted') return;
      for (const { grantId, data } of chain(before, event.grantId as string)) {
        const { allow, deny, mode } = data.limits.actions;
        expect(allow.some((pattern) => covers(pattern, event.data.verb))).toBe(true);
        expect(deny.some((pattern) => covers(pattern, event.data.verb))).toBe(false);
        if (mode === 'propose' && event.data.effect !== 'read') expect(event.data.approvalId).toBeDefined();
        const narrowed = before.some((each) => each.type === 'GrantNarrowed' && each.grantId === grantId);
        if (narrowed) tally.add(grantId === event.grantId ? 'under a narrowed lease' : 'below a narrowed lease');
      }
    }, 150);
    tally.atLeast(20, 'under a narrowed lease', 'below a narrowed lease');
  });

  it('bounds what is issued later: no new lease is wider than any present ancestor', () => {
    const tally = new Tally();
    everyEvent((before, event) => {
      if (event.type !== 'GrantIssued' || event.data.parentId === undefined) return;
      const above = chain(before, event.data.parentId);
      above.forEach(({ grantId, data: { limits } }, up) => {
        const { delegation } = limits;
        const seen = { ...limits, delegation: { ...delegation, depth: Math.max(delegation.depth - up, 0) } };
        expect(attenuatesAll(event.data.limits, seen)).toEqual([]);
        if (up > 0 && before.some((each) => each.type === 'GrantNarrowed' && each.grantId === grantId))
          tally.add('below a narrowed ancestor');
      });
    }, 300);
    tally.atLeast(3, 'below a narrowed ancestor');
  });
});

describe('time.endsOn', () => {
  it('ends each named lease in the append of the completion, and nothing is permitted under it after', () => {
    const tally = new Tally();
    everyEvent((before, event, after) => {
      if (event.type !== 'ActionCompleted') return;
      const permit = before.find((each) => each.type === 'ActionPermitted' && each.actionId === event.actionId);
      const ends = permit?.type === 'ActionPermitted' ? (permit.data.ends ?? []) : [];
      for (const id of ends) {
        const standing = chain(before, id)[0]?.grantId as string;
        const sameAppend = [...after.filter(({ commandId }) => commandId === event.commandId)];
        expect(dead([...before, event, ...sameAppend], standing, Date.parse(event.time))).toBeDefined();
        tally.add(standing === event.grantId ? 'its own lease' : 'a lease above');
      }
    }, 400);
    tally.atLeast(3, 'its own lease', 'a lease above');
  });

  it('is never shed: an action that ends a parent ends each child that is not wider', () => {
    const tally = new Tally();
    const facts: fc.Arbitrary<ActionFacts> = fc
      .tuple(anyAction, fc.constantFrom<('run' | undefined)[]>(undefined, 'run'), fc.boolean())
      .map(([action, stated, upper]) => {
        const { id } = action.resource;
        return { ...action, stated, resource: { ...action.resource, id: upper ? id.toUpperCase() : id } };
      });
    const property = fc.property(
      fc.array(ending, { minLength: 1, maxLength: 3 }),
      fc.array(ending, { minLength: 1, maxLength: 2 }),
      fc.array(facts, { minLength: 10, maxLength: 30 }),
      fc.boolean(),
      (child, parent, actions, kept) => {
        const own = kept ? [...child, ...parent] : child;
        if (shedEnds(own, parent).length > 0) return tally.add('wider');
        if (kept) expect(shedEnds(own, parent)).toEqual([]);
        tally.add(kept ? 'kept' : 'covered');
        for (const action of actions) {
          if (!isEnd(parent, action)) continue;
          expect(isEnd(own, action)).toBe(true);
          tally.add(kept ? 'ends both' : 'ends both, covered');
        }
      },
    );
    fc.assert(property, { numRuns: 1_200 });
    tally.atLeast(20, 'wider', 'kept', 'covered', 'ends both', 'ends both, covered');
  });
});
