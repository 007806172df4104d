import { obligationsLimit, type ObligationsLimit } from '@bailiwick/contracts/grants/grant';
import type { Obligation, ScopedObligation } from '@bailiwick/contracts/obligations/obligation';
import { obligationText } from '@bailiwick/contracts/obligations/obligation-text';
import type { Dimension } from './dimension';
import { inside as verbInside } from './actions';
import { allowance, type Work } from '../matching/inclusion';
import { matchesVerb } from '../matching/verbs/verb';
import { combined, fulfills, unscoped } from '../obligations/combine';
import { clip, listed, shown } from '../presentation/text';
import { deny, PERMIT, sorted, TOO_INTRICATE, Wider } from './verdict';

/**
 * What the enforcement point must do with the calls that the lease permits, or with their results. It denies nothing; a
 * child always inherits it, and can only add to it.
 *
 * A child keeps an obligation of its parent if ONE of its obligations is as strict, for all verbs of the parent's.
 */
export const obligations: Dimension<ObligationsLimit | undefined> = {
  name: 'obligations',
  schema: obligationsLimit.optional(),
  unlimited: undefined,
  meet: (a, b) => (a === undefined || b === undefined ? (a ?? b) : distinctObligations([...a, ...b])),
  attenuates(child, parent, effort) {
    const wider = new Wider('obligations');
    if (parent === undefined) return wider.result();
    const work = allowance(effort);
    const shed = parent
      .filter((theirs) => !(child ?? []).some((own) => fulfills(own, theirs) && isFor(own, theirs, work)))
      .map(describe);
    wider.unless(
      shed.length === 0,
      'obligations',
      shown((child ?? []).map(describe)),
      shown(shed),
      `would shed its parent’s obligation to ${listed(shed)}${work.left < 0 ? `; ${TOO_INTRICATE}` : ''}`,
    );
    return wider.result();
  },
  admits: (limit) =>
    limit === undefined || Array.isArray(limit)
      ? PERMIT
      : deny('OBLIGATIONS_UNCLEAR', 'its obligations are not a list', { path: 'obligations' }),
  describe: (limit) => (limit === undefined || limit.length === 0 ? 'none' : `must ${limit.map(describe).join('; ')}`),
};

const ANY_VERB = ['**'];

/** Reports whether an obligation is for every verb that another one is for. */
const isFor = (own: ScopedObligation, theirs: ScopedObligation, work: Work): boolean =>
  own.actions === undefined ||
  (theirs.actions ?? ANY_VERB).every((pattern) => verbInside(own.actions as string[], pattern, work));

const describe = (each: ScopedObligation): string =>
  `${clip(obligationText(each), 300)}${each.actions === undefined ? '' : ` (${listed(each.actions)})`}`;

/** Returns the obligations of a list that are for a verb. @param verb normalized */
export const obligationsFor = (limit: readonly ScopedObligation[], verb: string): Obligation[] =>
  limit.flatMap((each) =>
    each.actions === undefined || each.actions.some((pattern) => matchesVerb(pattern, verb)) ? [unscoped(each)] : [],
  );

/** Combines the obligations that are for the same verbs, and returns each once, in a fixed order. */
export function distinctObligations(all: readonly ScopedObligation[]): ScopedObligation[] {
  const byVerbs = new Map<string, { readonly actions: string[] | undefined; readonly list: Obligation[] }>();
  for (const each of all) {
    const actions = each.actions && sorted(each.actions);
    const key = JSON.stringify(actions ?? null);
    const known = byVerbs.get(key) ?? { actions, list: [] };
    known.list.push(unscoped(each));
    byVerbs.set(key, known);
  }
  return [...byVerbs]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, { actions, list }]) =>
      combined(list).map((each) => (actions === undefined ? each : { ...each, actions })),
    );
}
