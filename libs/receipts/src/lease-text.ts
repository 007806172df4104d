import type { Limits, Selector } from '@bailiwick/contracts/grants/grant';

// Receipts contain these texts. A lease without permissions and pairs has the text that it had before there were any.

/** Describes what a lease admits: its verbs, or its permissions, and the pairs that it denies. */
export function leaseText({ actions, permissions, deny = [] }: Limits): string {
  const may = permissions
    ? permissions.map((each) => `${pairText(each)}${each.mode ? ` (${each.mode})` : ''}`)
    : actions.allow;
  const never = deny.map((each) => `never ${pairText(each)}`);
  return [may.join(', ') || 'nothing', ...never].join('; ');
}

const pairText = (pair: { readonly actions: readonly string[]; readonly resources: readonly Selector[] }): string =>
  `${pair.actions.join(' and ')} on ${pair.resources.map(selectorText).join(' and ')}`;

const selectorText = ({ type, match, except = [], where = {} }: Selector): string => {
  const names = Object.keys(where);
  const left = except.length > 0 ? ` except ${except.join(' and ')}` : '';
  return `${type} ${match}${left}${names.length > 0 ? ` (if ${names.join(' and ')} match)` : ''}`;
};
