import fc from 'fast-check';
import { windowUsed } from '@bailiwick/authority/state/usage';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { COUNTERS, type Permission } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import * as ledger from './ledger';
import { always, asking, small, story, tight } from './budget-stories';
import { reserving, type Move } from './moves';
import { chain as naiveChain, covers, deadItself, issued, standing, Tally } from './naive';
import { Play } from './play';

/**
 * Fails if only the leaf is charged; if reserved money does not count; if a count may be exceeded by one; if ancestors
 * are not exhausted; if an overrun ends nothing, or is clipped; if a window forgets early, or drops a late overrun with
 * its bucket; if a raise resets the usage.
 */
fc.configureGlobal({ seed: 20260105 });

/** Returns what is set aside, and unused, for the accounts of a chain below one of them. */
function slackUnder(
  soFar: readonly Event[],
  all: readonly ledger.Entry[],
  leaf: string,
  id: string,
  what: string,
): number {
  const accounts = naiveChain(soFar, leaf).map(({ grantId }) => ledger.account(soFar, grantId as string));
  const under = accounts.slice(0, accounts.indexOf(id));
  return under
    .map((each) => Math.max(0, (ledger.aside(soFar, each, what) || 0) - ledger.total(soFar, all, each, what)))
    .reduce((sum, slack) => sum + slack, 0);
}

/** Checks the trees that have ended and have no open calls: nothing is reserved, and what was spent is committed. */
function onlySpent(log: Play['log'], tally: Tally): void {
  for (const { quietAt, grants } of log.state.trees.values()) {
    const hasReserve = grants.some(({ limits }) => limits.budget.reserve);
    if (quietAt === undefined || !hasReserve) continue;
    const entries = ledger.entries(log.events);
    for (const { id, usage, supersededBy } of grants) {
      if (supersededBy !== undefined) continue;
      const mine = ledger.of(entries, ledger.account(log.events, id));
      expect(usage.reserved).toEqual({ calls: 0, reads: 0, writes: 0, external: 0, cost: {} });
      expect(usage.committed).toMatchObject(ledger.counts(mine));
      for (const [name, value] of Object.entries(ledger.amounts(usage.committed)))
        expect(value).toBe(ledger.spent(mine, name));
      tally.add('ended');
    }
  }
}

/** Reports whether every entry that has a call asks a person about it. */
function asksByEntries(
  permissions: readonly Permission[] | undefined,
  of: (entry: Permission) => { readonly hasCall: boolean; readonly asks: boolean },
): boolean {
  const having = (permissions ?? []).map(of).filter(({ hasCall }) => hasCall);
  return having.length > 0 && having.every(({ asks }) => asks);
}

const wasNarrowed = (soFar: readonly Event[], id: string): boolean =>
  soFar.some((event) => event.type === 'GrantNarrowed' && ledger.account(soFar, event.grantId as string) === id);

const accountsOf = (all: readonly ledger.Entry[]): string[] => [...new Set(all.flatMap((entry) => entry.accounts))];

/** Waits until every lease has expired and every call is abandoned. Trees are forgotten later than that. */
const ENDING: Move[] = Array.from({ length: 60 }, () => ({
  do: 'wait',
  keyed: false,
  for: 'to the next deadline',
  tick: true,
}));

describe('I3: what is reserved counts against the grant and all its ancestors, and no cap is ever exceeded', () => {
  it('permits exceed no cap of any account, apart from declared overruns', () => {
    const tally = new Tally();
    always((soFar, event, all) => {
      for (const id of accountsOf(all)) {
        const mine = ledger.of(all, id);
        const budget = ledger.budgetOf(soFar, id);
        // a narrowing may leave a cap below the use; no later permit charges it
        const last = event.actionId === mine[mine.length - 1]?.permit.actionId && event.type === 'ActionPermitted';
        if (last)
          for (const counter of COUNTERS)
            if (event.data.charge[counter] > 0)
              expect(ledger.count(mine, counter)).toBeLessThanOrEqual(budget[counter]);
        for (const currency of ledger.currencies(mine)) {
          const total = ledger.spent(mine, currency) + ledger.held(mine, currency);
          const cap = ledger.amounts(budget)[currency] ?? 0;
          if (!wasNarrowed(soFar, id)) expect(total - ledger.over(mine, currency)).toBeLessThanOrEqual(cap);
          const charged = event.type === 'ActionPermitted' && event.actionId === mine[mine.length - 1]?.permit.actionId;
          // even after an overrun, no permit exceeds the cap
          if (charged && (ledger.amounts(event.data.charge)[currency] ?? 0) > 0) expect(total).toBeLessThanOrEqual(cap);
          if (total === cap) tally.add(currency === 'tokens' ? 'units to the last' : 'money to the last unit');
        }
        if (mine.some((entry) => entry.accounts.length > 2)) tally.add('from two levels below');
      }
    });
    tally.atLeast(10, 'money to the last unit', 'units to the last', 'from two levels below');
  });

  it('what is set aside for a child is never more than its parents have, and returns when the child has ended', () => {
    const tally = new Tally();
    const property = fc.property(tight, (moves) => {
      const play = new Play();
      const { log } = play;
      let looked = 0;
      play.play([...moves, ...ENDING], () => {
        if (log.events.length === looked) return;
        looked = log.events.length;
        onlySpent(log, tally);
      });
      log.events.forEach((event, i) => {
        if (event.type === 'DelegationRefused' && event.data.code === 'BUDGET_EXHAUSTED') tally.add('refused');
        if (event.type !== 'GrantIssued' || !event.data.limits.budget.reserve) return;
        const soFar = log.events.slice(0, i + 1);
        const all = ledger.entries(soFar);
        for (const { grantId } of naiveChain(soFar, event.grantId as string)) {
          const id = ledger.account(soFar, grantId as string);
          const budget = ledger.budgetOf(soFar, id);
          for (const counter of COUNTERS)
            expect(ledger.total(soFar, all, id, counter)).toBeLessThanOrEqual(budget[counter]);
          for (const [name, cap] of Object.entries(ledger.amounts(budget)))
            expect(ledger.total(soFar, all, id, name) - ledger.over(ledger.of(all, id), name)).toBeLessThanOrEqual(cap);
        }
        tally.add('set aside');
        if (event.data.supersedes !== undefined) tally.add('raised');
      });
    });
    fc.assert(property, { numRuns: 90 });
    tally.atLeast(5, 'set aside', 'refused', 'ended', 'raised');
  });

  it('permits exceed no cap of a rolling window, at whatever time it is read', () => {
    const tally = new Tally();
    always((soFar, event, all) => {
      if (event.type !== 'ActionPermitted') return;
      const { charge } = event.data;
      for (const id of all[all.length - 1]?.accounts ?? []) {
        const mine = ledger.of(all, id);
        for (const window of ledger.budgetOf(soFar, id).windows) {
          const caps = { ...ledger.amounts(window), ...window } as Record<string, unknown>;
          const charged: Record<string, number> = { ...ledger.amounts(charge) };
          for (const counter of COUNTERS) charged[counter] = charge[counter];
          for (const what of Object.keys(charged)) {
            if (typeof caps[what] !== 'number' || !charged[what]) continue;
            const used = ledger.inWindow(mine, what, window, Date.parse(event.time));
            expect(used).toBeLessThanOrEqual(caps[what]);
            if (used === caps[what]) tally.add(window.timezone === undefined ? 'window full' : 'calendar window full');
            if (mine.length > used && what === 'calls') tally.add('window moved on');
          }
        }
      }
    });
    tally.atLeast(20, 'window full', 'window moved on');
    tally.atLeast(5, 'calendar window full');
  });

  it('beyond the share of askAt, and only beyond it, a call needs the approval of a person', () => {
    const tally = new Tally();
    /** Returns the accounts in which a call of this charge uses a cap beyond its share. */
    const beyond = (
      soFar: readonly Event[],
      all: ledger.Entry[],
      event: EventOf<'ActionPermitted' | 'ActionStepUp'>,
    ) => {
      const now = Date.parse(event.time);
      const chain = naiveChain(soFar, event.grantId as string).map(({ grantId }) =>
        ledger.account(soFar, grantId as string),
      );
      return chain.filter((id) => {
        const { askAt, perVerb = [], ...budget } = ledger.budgetOf(soFar, id);
        if (askAt === undefined) return false;
        const mine = ledger.of(all, id);
        const charge = { ...event.data.charge, ...ledger.amounts(event.data.charge) } as unknown as Record<
          string,
          number
        >;
        const extra = event.type === 'ActionStepUp' ? charge : {};
        const isBeyond = (caps: object, used: (what: string) => number): boolean =>
          Object.entries({ ...caps, ...ledger.amounts(caps) }).some(
            ([what, most]) =>
              typeof most === 'number' && (charge[what] ?? 0) > 0 && used(what) + (extra[what] ?? 0) > askAt * most,
          );
        const total = (what: string) =>
          ledger.total(soFar, all, id, what) - slackUnder(soFar, all, event.grantId as string, id, what);
        return (
          isBeyond(budget, total) ||
          budget.windows.some((window) => isBeyond(window, (what) => ledger.inWindow(mine, what, window, now))) ||
          perVerb.some(
            ({ actions, ...caps }) =>
              actions.some((pattern) => covers(pattern, event.data.verb)) &&
              isBeyond(caps, (what) => ledger.ofVerbs(mine, actions, what)),
          ) ||
          asksByEntries(ledger.permissionsOf(soFar, id), (entry) => ({
            hasCall: ledger.hasCall(entry, event.data),
            asks: isBeyond(ledger.capsOf(entry), (what) => ledger.ofEntry(mine, entry, what)),
          }))
        );
      });
    };
    fc.assert(
      fc.property(asking, (moves) => {
        const { events } = new Play().play(moves).log;
        events.forEach((event, i) => {
          if (event.type !== 'ActionPermitted' && event.type !== 'ActionStepUp') return;
          const soFar = events.slice(0, i + 1);
          const ids = beyond(soFar, ledger.entries(soFar), event);
          if (event.type === 'ActionPermitted' && event.data.approvalId === undefined) expect(ids).toEqual([]);
          if (event.type === 'ActionPermitted') return tally.add(ids.length > 0 ? 'approved' : 'permitted');
          const asked = event.data.reasons.flatMap(({ reasons = [] }) => reasons.map(({ code }) => code));
          if (ids.length > 0) expect(asked).toContain('BUDGET_ASK_AT');
          if (ids.length > 0) tally.add('asked');
        });
      }),
      { numRuns: 100 },
    );
    tally.atLeast(20, 'asked', 'permitted');
    tally.atLeast(1, 'approved');
  });

  it('a call is denied for its budget only if it does not fit', () => {
    const tally = new Tally();
    const short = (reasons: readonly Reason[]): Reason[] => [
      ...reasons.filter((each) => each.code === 'BUDGET_EXHAUSTED' || each.code === 'WINDOW_EXHAUSTED'),
    ];
    always((soFar, event, all) => {
      if (event.type !== 'ActionDenied') return;
      for (const grant of event.data.reasons.filter((reason) => reason.rule === 'grant')) {
        const id = ledger.account(soFar, grant.grantId as string);
        const mine = ledger.of(all, id);
        for (const { code, path = '' } of short(grant.reasons ?? [])) {
          const what = path.split('.').pop() as string;
          const asked =
            what in event.data.charge
              ? event.data.charge[what as 'calls']
              : (ledger.amounts(event.data.charge)[what] ?? 0);
          const budget = ledger.budgetOf(soFar, id);
          const per = /\[(.*)\]/.exec(path)?.[1];
          const window = budget.windows.find(
            ({ per: length, timezone }) => [length, timezone].join(' ').trim() === per,
          );
          const caps = { ...ledger.amounts(window ?? budget), ...(window ?? budget) } as object as Record<
            string,
            number
          >;
          const used = window
            ? ledger.inWindow(mine, what, window, Date.parse(event.time), true)
            : ledger.total(soFar, all, id, what) - slackUnder(soFar, all, event.grantId as string, id, what);
          expect(used + asked).toBeGreaterThan(caps[what] as number);
          tally.add(code as string);
        }
      }
    });
    tally.atLeast(50, 'BUDGET_EXHAUSTED', 'WINDOW_EXHAUSTED');
  });
});

describe('I3: reaching a lifetime cap ends that grant, and so does an outcome that cost more than was reserved', () => {
  it('a grant is exhausted in the same append, and for no other reason', () => {
    const tally = new Tally();
    const property = fc.property(
      fc.oneof({ weight: 3, arbitrary: small }, { weight: 1, arbitrary: reserving }),
      (all) => {
        const { events } = new Play().play(all).log;
        let expected: string[] = [];
        events.forEach((event, i) => {
          if (event.type === 'GrantExhausted') {
            expect(expected).toContain(event.grantId);
            expected = expected.filter((id) => id !== event.grantId);
            for (const cap of event.data.caps) tally.add(`by ${cap.replace('budget.', '')}`);
            if (event.data.overrun) tally.add('by an overrun');
            return;
          }
          expect(expected).toEqual([]);
          expected = exhausted(events.slice(0, i + 1), event);
        });
        expect(expected).toEqual([]);
      },
    );
    fc.assert(property, { numRuns: 160 });
    tally.atLeast(
      3,
      'by calls',
      'by reads',
      'by writes',
      'by external',
      'by cost.USD',
      'by units.tokens',
      'by an overrun',
    );
  });

  /** Returns the grants that the newest event must end. */
  function exhausted(soFar: readonly Event[], event: Event): string[] {
    if (event.type !== 'ActionPermitted' && !ledger.isOutcome(event)) return [];
    const all = ledger.entries(soFar);
    const { accounts } = all.find((entry) => entry.permit.actionId === event.actionId) as ledger.Entry;
    const full = accounts.filter((id, level) => {
      const mine = ledger.of(all, id);
      const budget = ledger.budgetOf(soFar, id);
      const { charge } = event.data;
      if (event.type === 'ActionPermitted')
        return COUNTERS.some((counter) => charge[counter] > 0 && ledger.count(mine, counter) >= budget[counter]);
      const { permit } = all.find((entry) => entry.permit.actionId === event.actionId) as ledger.Entry;
      const paid = Object.entries(ledger.amounts(charge)).filter(([, each]) => each > 0);
      const caps = ledger.amounts(budget);
      const total = (currency: string): number => ledger.total(soFar, all, id, currency);
      const reached = paid.some(
        ([currency]) => total(currency) === (caps[currency] ?? 0) && total(currency) === ledger.spent(mine, currency),
      );
      // a descendant's overrun took it over its cap: the finding is for a person to review, and the grant does not end
      const overrun = paid.some(
        ([currency, each]) =>
          total(currency) > (caps[currency] ?? 0) && each > (ledger.amounts(permit.data.charge)[currency] ?? 0),
      );
      const ends = level === 0 && event.data.overrun === true ? true : reached && !overrun;
      return isOpen(soFar, id) && ends;
    });
    return full.map((id) => standing(soFar, id));
  }

  function isOpen(soFar: readonly Event[], id: string): boolean {
    const why = deadItself(soFar, issued(soFar, standing(soFar, id)) as EventOf<'GrantIssued'>, 0);
    return why === undefined || why === 'is suspended' || why === 'is struck by a rule';
  }

  it('an overrun is recorded exactly if an outcome cost more, and is charged in full or named in a finding', () => {
    const tally = new Tally();
    always((_soFar, event, all) => {
      if (!ledger.isOutcome(event)) return;
      const { permit } = all.find((entry) => entry.permit.actionId === event.actionId) as ledger.Entry;
      const reserved = ledger.amounts(permit.data.charge);
      const more = Object.entries(ledger.amounts(event.data)).some(([of, paid]) => paid > (reserved[of] ?? 0));
      expect(event.data.overrun ?? false).toBe(more);
      const { charge, findings = [] } = event.data;
      const counted: Record<string, number> = { ...ledger.amounts(charge) };
      for (const { currency, unit, amount } of findings) {
        const name = currency ?? unit ?? 'neither';
        counted[name] = (counted[name] ?? 0) + amount;
      }
      expect(counted).toEqual(ledger.amounts(event.data));
      for (const counter of COUNTERS) expect(charge[counter]).toBe(permit.data.charge[counter]);
      if (event.actor.kind !== 'run') expect(findings.filter(({ code }) => code === 'BEYOND_LEASE')).toEqual([]);
      tally.add(more ? 'more' : 'no more');
      tally.add(findings.length > 0 ? 'with findings' : 'charged in full');
    });
    tally.atLeast(30, 'more', 'no more', 'charged in full');
    tally.atLeast(5, 'with findings');
  });
});

describe('I3: the counters of the state', () => {
  it('equal the sums of the events, for every grant, after every move', () => {
    const tally = new Tally();
    const property = fc.property(fc.oneof(story, reserving), (all) => {
      const play = new Play();
      let looked = 0;
      play.play(all, () => {
        const { state, events, now } = play.log;
        if (events.length === looked) return;
        looked = events.length;
        const entries = ledger.entries(events);
        for (const id of accountsOf(entries)) {
          const mine = ledger.of(entries, id);
          const grant = state.grants.get(standing(events, id));
          if (!grant) continue; // its tree has ended and is forgotten
          const { usage, limits } = grant;
          const sums = (of: typeof ledger.spent) =>
            Object.fromEntries(
              ledger
                .currencies(mine)
                .map((each) => [each, of(mine, each)] as const)
                .filter(([, sum]) => sum > 0),
            );
          expect(ledger.amounts(usage.committed)).toEqual(sums(ledger.spent));
          const names = [...new Set([...ledger.currencies(mine), ...Object.keys(ledger.amounts(limits.budget))])];
          const open = (what: string, used: number): number => ledger.total(events, entries, id, what) - used;
          const reserved = names.map((name) => [name, open(name, ledger.spent(mine, name))] as const);
          expect(ledger.amounts(usage.reserved)).toEqual(
            Object.fromEntries(reserved.filter(([, value]) => value !== 0)),
          );
          expect(usage.committed).toMatchObject(ledger.counts(mine));
          for (const counter of COUNTERS) {
            expect(usage.reserved[counter]).toBe(open(counter, ledger.count(mine, counter)));
            if (usage.reserved[counter] > 0) tally.add('set aside');
          }
          if (usage.committed.units) tally.add('units');
          limits.budget.windows.forEach((window, i) => {
            const used = windowUsed(usage.windows[i]?.buckets ?? [], window, now);
            for (const what of [...COUNTERS, ...ledger.currencies(mine)]) {
              const amount = what in used ? used[what as 'calls'] : (ledger.amounts(used)[what] ?? 0);
              expect(amount).toBeGreaterThanOrEqual(ledger.inWindow(mine, what, window, now));
              expect(amount).toBeLessThanOrEqual(ledger.inWindow(mine, what, window, now, true));
              if (amount > 0) tally.add('in a window');
            }
          });
          if (id !== standing(events, id)) tally.add('of a raised grant');
        }
      });
    });
    fc.assert(property, { numRuns: 50 });
    tally.atLeast(50, 'in a window', 'of a raised grant', 'units');
    tally.atLeast(20, 'set aside');
  });
});
