import type { AskedBundle } from '@bailiwick/contracts/approvals/asked-bundle';
import type { Limits, Permission, Selector } from '@bailiwick/contracts/grants/grant';
import { obligationText } from '@bailiwick/contracts/obligations/obligation-text';
import { capsText } from './caps-text';

// Receipts contain these texts. A lease without permissions, pairs and obligations has the text that it had before there
// were any.

/** Describes what a lease admits: its verbs, or its permissions, the pairs that it denies, and its obligations. */
export function leaseText({ actions, permissions, deny = [], obligations = [] }: Limits): string {
  const may = permissions ? permissions.map((each) => `${pairText(each)}${restText(each)}`) : actions.allow;
  const never = deny.map((each) => `never ${pairText(each)}`);
  const must = obligations.map(
    (each) => `must ${obligationText(each)}${each.actions ? ` for ${each.actions.join(' and ')}` : ''}`,
  );
  return [may.join(', ') || 'nothing', ...never, ...must].join('; ');
}

/** Formats the mode, the caps and the end of a permission. */
function restText({ mode, calls, cost, units, until }: Permission): string {
  const caps = capsText({ calls, cost, units });
  const parts = [
    ...(mode ? [mode] : []),
    ...(caps ? [`at most ${caps} in all`] : []),
    ...(until ? [`until ${until}`] : []),
  ];
  return parts.length > 0 ? ` (${parts.join('; ')})` : '';
}

/** Describes the caps of each permission that has some. */
export const permissionCaps = ({ permissions = [] }: Limits): string[] =>
  permissions.flatMap((each) => {
    const caps = capsText({ calls: each.calls, cost: each.cost, units: each.units });
    return caps ? [`at most ${caps} for ${pairText(each)}`] : [];
  });

/** Describes a bundle that an escalation asked for: \`open-pull-requests (open a pull request), for 30m\`. */
export const bundleText = ({ name, words, lasts }: AskedBundle): string =>
  `${name} (${words})${lasts === undefined ? '' : `, for ${lasts}`}`;

const pairText = (pair: { readonly actions: readonly string[]; readonly resources: readonly Selector[] }): string =>
  `${pair.actions.join(' and ')} on ${pair.resources.map(selectorText).join(' and ')}`;

const selectorText = ({ type, match, except = [], where = {} }: Selector): string => {
  const names = Object.keys(where);
  const left = except.length > 0 ? ` except ${except.join(' and ')}` : '';
  return `${type} ${match}${left}${names.length > 0 ? ` (if ${names.join(' and ')} match)` : ''}`;
};
