import fc from 'fast-check';
import { windowUsed } from '@bailiwick/authority/state/usage';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { COUNTERS } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import * as ledger from './ledger';
import { moves } from './moves';
import { deadItself, issued, standing, Tally } from './naive';
import { Play } from './play';

/**
 * Fails if only the leaf is charged; if reserved money does not count; if a count may be exceeded by one; if ancestors
 * are not exhausted; if an overrun ends nothing, or is clipped; if a window forgets early, or drops a late overrun with
 * its bucket; if a raise resets the usage.
 */
fc.configureGlobal({ seed: 20260105 });

/** Half of the stories only use budget, so that they reach caps, report overruns late and outlast windows. */
const story = fc.oneof(moves(50), moves(50, ['act', 'act', 'act', 'settle', 'wait']));

/** Runs a check after each event, with the log up to and including it. */
function always(check: (soFar: readonly Event[], event: Event, all: ledger.Entry[]) => void): void {
  const property = fc.property(story, (all) => {
    const { log } = new Play().play(all);
    log.events.forEach((event, i) => {
      if (event.type !== 'ActionPermitted' && !ledger.isOutcome(event) && event.type !== 'ActionDenied') return;
      const soFar = log.events.slice(0, i + 1);
      check(soFar, event, ledger.entries(soFar));
    });
  });
  fc.assert(property, { numRuns: 140 });
}

const wasNarrowed = (soFar: readonly Event[], id: string): boolean =>
  soFar.some((event) => event.type === 'GrantNarrowed' && ledger.account(soFar, event.grantId as string) === id);

const accountsOf = (all: readonly ledger.Entry[]): string[] => [...new Set(all.flatMap((entry) => entry.accounts))];

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
          const cap = budget.cost[currency] ?? 0;
          if (!wasNarrowed(soFar, id)) expect(total - ledger.over(mine, currency)).toBeLessThanOrEqual(cap);
          const charged = event.type === 'ActionPermitted' && event.actionId === mine[mine.length - 1]?.permit.actionId;
          // even after an overrun, no permit exceeds the cap
          if (charged && (event.data.charge.cost[currency] ?? 0) > 0) expect(total).toBeLessThanOrEqual(cap);
          if (total === cap) tally.add('money to the last unit');
        }
        if (mine.some((entry) => entry.accounts.length > 2)) tally.add('from two levels below');
      }
    });
    tally.atLeast(10, 'money to the last unit', 'from two levels below');
  });

  it('permits exceed no cap of a rolling window, at whatever time it is read', () => {
    const tally = new Tally();
    always((soFar, event, all) => {
      if (event.type !== 'ActionPermitted') return;
      const { charge } = event.data;
      for (const id of all[all.length - 1]?.accounts ?? []) {
        const mine = ledger.of(all, id);
        for (const window of ledger.budgetOf(soFar, id).windows) {
          const caps = { ...window.cost, ...window } as Record<string, unknown>;
          const charged: Record<string, number> = { ...charge.cost };
          for (const counter of COUNTERS) charged[counter] = charge[counter];
          for (const what of Object.keys(charged)) {
            if (typeof caps[what] !== 'number' || !charged[what]) continue;
            const used = ledger.within(mine, what, ledger.lengthOf(window.per), Date.parse(event.time));
            expect(used).toBeLessThanOrEqual(caps[what]);
            if (used === caps[what]) tally.add('window full');
            if (mine.length > used && what === 'calls') tally.add('window moved on');
          }
        }
      }
    });
    tally.atLeast(20, 'window full', 'window moved on');
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
            what in event.data.charge ? event.data.charge[what as 'calls'] : (event.data.charge.cost[what] ?? 0);
          const budget = ledger.budgetOf(soFar, id);
          const per = /\[(.*)\]/.exec(path)?.[1];
          const window = budget.windows.find((each) => each.per === per);
          const caps = { ...(window ?? budget).cost, ...(window ?? budget) } as object as Record<string, number>;
          const used = window
            ? ledger.within(
                mine,
                what,
                ledger.lengthOf(window.per),
                Date.parse(event.time),
                ledger.bucket(ledger.lengthOf(window.per)),
              )
            : COUNTERS.includes(what as 'calls')
              ? ledger.count(mine, what as 'calls')
              : ledger.spent(mine, what) + ledger.held(mine, what);
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
    const property = fc.property(story, (all) => {
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
    });
    fc.assert(property, { numRuns: 220 });
    tally.atLeast(3, 'by calls', 'by reads', 'by writes', 'by external', 'by cost.USD', 'by an overrun');
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
      const paid = Object.entries(charge.cost).filter(([, each]) => each > 0);
      const total = (currency: string): number => ledger.spent(mine, currency) + ledger.held(mine, currency);
      const reached = paid.some(
        ([currency]) => total(currency) === (budget.cost[currency] ?? 0) && ledger.held(mine, currency) === 0,
      );
      // a descendant's overrun took it over its cap: the finding is for a person to review, and the grant does not end
      const overrun = paid.some(
        ([currency, each]) =>
          total(currency) > (budget.cost[currency] ?? 0) && each > (permit.data.charge.cost[currency] ?? 0),
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
      const more = Object.entries(event.data.cost).some(([of, paid]) => paid > (permit.data.charge.cost[of] ?? 0));
      expect(event.data.overrun ?? false).toBe(more);
      const { charge, cost, findings = [] } = event.data;
      const counted = { ...charge.cost };
      for (const { currency, amount } of findings) counted[currency] = (counted[currency] ?? 0) + amount;
      expect({ ...charge, cost: counted }).toEqual({ ...permit.data.charge, cost });
      if (event.actor.kind !== 'run') expect(findings.filter(({ code }) => code === 'BEYOND_LEASE')).toEqual([]);
      tally.add(more ? 'more' : 'no more');
      tally.add(findings.length > 0 ? 'with findings' : 'charged in full');
    });
    tally.atLeast(30, 'more', 'no more', 'charged in full');
    tally.atLeast(10, 'with findings');
  });
});

describe('I3: the counters of the state', () => {
  it('equal the sums of the events, for every grant, after every move', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
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
          if (!grant) continue; // forgotten with its tree
          const { usage, limits } = grant;
          const money = (of: typeof ledger.spent) =>
            Object.fromEntries(
              ledger
                .currencies(mine)
                .map((each) => [each, of(mine, each)] as const)
                .filter(([, sum]) => sum > 0),
            );
          expect(usage.committed).toEqual({ ...ledger.counts(mine), cost: money(ledger.spent) });
          expect(usage.reserved).toEqual({ calls: 0, reads: 0, writes: 0, external: 0, cost: money(ledger.held) });
          limits.budget.windows.forEach((window, i) => {
            const used = windowUsed(usage.windows[i]?.buckets ?? [], window, now);
            const per = ledger.lengthOf(window.per);
            for (const what of [...COUNTERS, ...ledger.currencies(mine)]) {
              const amount = what in used ? used[what as 'calls'] : (used.cost[what] ?? 0);
              expect(amount).toBeGreaterThanOrEqual(ledger.within(mine, what, per, now));
              expect(amount).toBeLessThanOrEqual(ledger.within(mine, what, per, now, ledger.bucket(per)));
              if (amount > 0) tally.add('in a window');
            }
          });
          if (id !== standing(events, id)) tally.add('of a raised grant');
        }
      });
    });
    fc.assert(property, { numRuns: 80 });
    tally.atLeast(50, 'in a window', 'of a raised grant');
  });
});
