import type { VerbsView } from '@bailiwick/contracts/queries/candidates';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Catalog } from '../matching/catalog/compile';
import { matchesVerb, normalizeVerb } from '../matching/verbs/verb';

const isExact = (pattern: string): boolean => !pattern.includes('*');

/**
 * Lists the verbs that a lease may allow, in alphabetical order: those that it or the catalog names without a wildcard.
 * Being listed permits nothing.
 * @param after the last verb of the previous page
 */
export function candidateVerbs(
  { actions, permissions = [] }: Pick<Limits, 'actions' | 'permissions'>,
  catalog: Pick<Catalog, 'entries'>,
  after: string,
  most: number,
): VerbsView {
  const named = [
    ...actions.allow,
    ...permissions.flatMap((each) => each.actions),
    ...catalog.entries.flatMap(({ match = [] }) => match),
  ];
  const verbs = named.filter(isExact).flatMap((text) => {
    const verb = normalizeVerb(text);
    return verb.ok ? [verb.value] : [];
  });
  const some = (patterns: readonly string[], verb: string): boolean =>
    patterns.some((pattern) => matchesVerb(pattern, verb));
  const allowed = [...new Set(verbs)].filter(
    (verb) => verb > after && some(actions.allow, verb) && !some(actions.deny, verb),
  );
  const items = allowed.sort().slice(0, most);
  return { items, next: allowed.length > items.length ? (items.at(-1) ?? null) : null };
}
