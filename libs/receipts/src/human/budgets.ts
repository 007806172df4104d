import { COUNTERS } from '@bailiwick/contracts/grants/grant';
import type { RunClaims } from '@bailiwick/contracts/receipts/receipt';
import { amountOf } from '@bailiwick/core/money';
import { grouped } from '@bailiwick/core/quantity';
import { capsText } from '../caps-text';
import { permissionCaps } from '../lease-text';
import { childrenOf, spentText } from '../render';
import { sumOf } from '../tree';

/** One cap of a lease with the amounts that count against it, formatted and as a share. */
export interface Used {
  readonly what: string;
  readonly own: string;
  /** including the runs below, which spend from the same cap; absent if the receipt does not contain them */
  readonly all?: string;
  readonly cap: string;
  /** 0 to 1; of `all` if present, otherwise of `own` */
  readonly share: number;
}
export interface Budgets {
  readonly rows: readonly Used[];
  /** notes that the rows cannot express */
  readonly says: readonly string[];
}

/**
 * Computes the use of each cap of a run's newest lease. Runs below it spend from the same caps.
 * @param runs all runs of its tree, if the receipt contains them
 */
export function budgetsOf(claims: RunClaims, runs?: readonly RunClaims[]): Budgets | undefined {
  const { grants, narrowings = [], run, spent, children, tenantBudgets = [] } = claims;
  const lease = grants.filter(({ runId }) => runId === run.id).at(-1);
  if (!lease) return undefined;
  const { limits } = narrowings.findLast(({ grantId }) => grantId === lease.id) ?? lease;
  const { budget } = limits;
  const all = runs && sumOf(withRunsBelow(claims, runs).map((each) => each.spent));
  const row = (
    what: string,
    cap: number,
    own: number,
    sum: number | undefined,
    format: (amount: number) => string = String,
  ): Used => ({
    what,
    own: format(own),
    ...(sum === undefined ? {} : { all: format(sum) }),
    cap: format(cap),
    share: cap > 0 ? Math.min((sum ?? own) / cap, 1) : 0,
  });
  const rows = [
    ...COUNTERS.map((what) => row(what, budget[what], spent[what], all?.[what])),
    ...Object.entries(budget.cost).map(([what, cap]) =>
      row(what, cap, spent.cost[what] ?? 0, all && (all.cost[what] ?? 0), (minor) => amountOf(minor, what)),
    ),
    ...Object.entries(budget.units ?? {}).map(([what, cap]) =>
      row(what, cap, spent.units?.[what] ?? 0, all && (all.units?.[what] ?? 0), grouped),
    ),
  ];
  return {
    rows,
    says: [
      ...(!all && children.length > 0 ? [ONLY_OWN] : []),
      ...(budget.perVerb ?? []).map((cap) => `In addition, at most ${capsText(cap)} for ${cap.actions.join(', ')}.`),
      ...permissionCaps(limits).map((text) => `In addition, ${text}.`),
      ...budget.windows.map(
        (window) =>
          `In addition, at most ${capsText(window)} ${window.timezone === undefined ? `in any ${window.per}` : `per ${window.per} (${window.timezone})`}.`,
      ),
      ...tenantBudgets.map(
        ({ name, drew }) => `Other runs share the tenant budget ${name}, from which this one drew ${spentText(drew)}.`,
      ),
    ],
  };
}

const ONLY_OWN =
  'Only the spending of this run: the runs below it spend from the same caps, and their receipts show how much.';

/** Formats budgets as the head and the rows of a table. */
export function budgetTable(rows: readonly Used[]): [head: string[], rows: string[][]] {
  const both = rows.some(({ all }) => all !== undefined);
  return [
    ['budget', 'spent by this run', ...(both ? ['with the runs below it'] : []), 'at most'],
    rows.map(({ what, own, all, cap }) => [what, own, ...(both ? [all ?? ''] : []), cap]),
  ];
}

/** Returns a run and all runs below it, each once. */
function withRunsBelow(top: RunClaims, runs: readonly RunClaims[]): RunClaims[] {
  const shown = new Set([top]);
  const found = [top];
  for (const each of found) found.push(...childrenOf(each.run.id, runs, shown));
  return found;
}
