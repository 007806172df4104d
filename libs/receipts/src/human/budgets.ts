import { COUNTERS, type BudgetLimit } from '@bailiwick/contracts/grant';
import type { RunClaims } from '@bailiwick/contracts/receipt';
import { amountOf, money } from '@bailiwick/core/money';
import { childrenOf } from '../render';
import { sumOf } from '../tree';

/** One cap of a lease: what counts against it, in words and as a share. */
export interface Used {
  readonly what: string;
  readonly own: string;
  /** with the runs below, which spend of the same cap; left out where the receipt does not know it */
  readonly all?: string;
  readonly cap: string;
  /** 0 to 1, of `all` where it is known */
  readonly share: number;
}
export interface Budgets {
  readonly rows: readonly Used[];
  /** what the rows do not tell */
  readonly says: readonly string[];
}

/**
 * What was spent of each cap of a run's newest lease. Runs below it spend of the same caps.
 * @param runs all of its tree, where the receipt tells of them
 */
export function budgetsOf(claims: RunClaims, runs?: readonly RunClaims[]): Budgets | undefined {
  const { grants, run, spent, children } = claims;
  const lease = grants.filter(({ runId }) => runId === run.id).at(-1);
  if (!lease) return undefined;
  const { budget } = lease.limits;
  const all = runs && sumOf(withRunsBelow(claims, runs).map((each) => each.spent));
  const row = (
    what: string,
    cap: number,
    own: number,
    sum: number | undefined,
    words: (amount: number) => string = String,
  ): Used => ({
    what,
    own: words(own),
    ...(sum === undefined ? {} : { all: words(sum) }),
    cap: words(cap),
    share: cap > 0 ? Math.min((sum ?? own) / cap, 1) : 0,
  });
  const rows = [
    ...COUNTERS.map((what) => row(what, budget[what], spent[what], all?.[what])),
    ...Object.entries(budget.cost).map(([what, cap]) =>
      row(what, cap, spent.cost[what] ?? 0, all && (all.cost[what] ?? 0), (minor) => amountOf(minor, what)),
    ),
  ];
  return {
    rows,
    says: [
      ...(!all && children.length > 0 ? [ONLY_OWN] : []),
      ...budget.windows.map((window) => `Besides, in any ${window.per} at most ${capsText(window)}.`),
    ],
  };
}

const ONLY_OWN =
  'Only what this run itself spent: the runs below it spend of the same caps, and their receipts tell how much.';

/** Budgets as a table: its head, its rows. */
export function budgetTable(rows: readonly Used[]): [head: string[], rows: string[][]] {
  const both = rows.some(({ all }) => all !== undefined);
  return [
    ['budget', 'spent by this run', ...(both ? ['with the runs below it'] : []), 'at most'],
    rows.map(({ what, own, all, cap }) => [what, own, ...(both ? [all ?? ''] : []), cap]),
  ];
}

const capsText = ({ cost, ...caps }: BudgetLimit['windows'][number]): string =>
  [
    ...COUNTERS.flatMap((what) => (caps[what] === undefined ? [] : [`${caps[what]} ${what}`])),
    ...Object.entries(cost ?? {}).map(([currency, value]) => money(value, currency)),
  ].join(', ');

/** A run and all below it, each once. */
function withRunsBelow(top: RunClaims, runs: readonly RunClaims[]): RunClaims[] {
  const shown = new Set([top]);
  const found = [top];
  for (const each of found) found.push(...childrenOf(each.run.id, runs, shown));
  return found;
}
