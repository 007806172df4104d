import type { Attribute } from '@bailiwick/contracts/actions/action';
import { denyLimit, type Condition, type DeniedPair, type DenyLimit } from '@bailiwick/contracts/grants/grant';
import type { ActionFacts, Dimension } from './dimension';
import { inside as verbInside } from './actions';
import { conditionAllowance, implies } from './conditions/inclusion';
import { satisfies } from './conditions/operators';
import { isLeftOut, leaveOutAll } from '../matching/exception';
import { allowance, folded, type Work } from '../matching/inclusion';
import { matchesVerb } from '../matching/verbs/verb';
import { clip, listed, sentence, shown } from '../presentation/text';
import { keyOfSelector, own, resources } from './resources';
import { deny as denied, PERMIT, TOO_INTRICATE, Wider } from './verdict';

type Selector = DeniedPair['resources'][number];

/**
 * Pairs of verbs and resources that are denied, whatever else permits them; a child always inherits them. In doubt an
 * action is denied: types and names are compared without case, as exceptions are, and a condition holds for an attribute
 * that is missing, that the run itself states, or that has another type than the condition is for.
 *
 * A child keeps a denial if ONE of its pairs has all verbs of the parent's pair, and its resources under conditions that
 * those of the parent's imply.
 */
export const deny: Dimension<DenyLimit | undefined> = {
  name: 'deny',
  schema: denyLimit.optional(),
  unlimited: undefined,
  meet: (a, b) => (a === undefined || b === undefined ? (a ?? b) : distinctPairs([...a, ...b])),
  attenuates(child, parent, effort) {
    const wider = new Wider('deny');
    if (parent === undefined) return wider.result();
    const work: Comparison = {
      verbs: allowance(effort),
      paths: allowance(effort),
      conditions: conditionAllowance(effort),
    };
    const kept = new Set((child ?? []).map(keyOfPair));
    const shed = parent
      .filter((pair) => !kept.has(keyOfPair(pair)) && !(child ?? []).some((each) => isInside(pair, each, work)))
      .map(describePair);
    const gaveUp = work.verbs.left < 0 || work.paths.left < 0 || work.conditions.left < 0;
    wider.unless(
      shed.length === 0,
      'deny',
      shown((child ?? []).map(describePair)),
      shown(shed),
      `would shed its parent’s denial of ${listed(shed)}${gaveUp ? `; ${TOO_INTRICATE}` : ''}`,
    );
    return wider.result();
  },
  admits(limit, action) {
    if (limit === undefined) return PERMIT;
    if (!Array.isArray(limit)) return denied('PAIR_DENIED', 'its denied pairs are not a list', { path: 'deny' });
    const { verb, resource } = action;
    for (const [i, pair] of limit.entries()) {
      if (!pair.actions.some((pattern) => matchesVerb(pattern, verb))) continue;
      const selector = pair.resources.find((each) => reaches(each, action));
      if (!selector) continue;
      const what = `${verb} on ${clip(resource.type)} ${clip(resource.id)}`;
      const doubtful = Object.keys(selector.where ?? {}).filter((name) => isDoubtful(selector, name, action));
      const doubt =
        doubtful.length > 0
          ? `; no enforcement point has stated ${sentence(doubtful.map((each) => clip(each)))}, so the denial applies`
          : '';
      return denied('PAIR_DENIED', `${what} is denied: never ${describePair(pair)}${doubt}`, {
        path: `deny[${i}]`,
        limit: clip(describePair(pair), 500),
        actual: { verb: clip(verb), type: clip(resource.type), id: clip(resource.id) },
      });
    }
    return PERMIT;
  },
  describe: (limit) => (limit === undefined ? 'no pairs' : `never ${sentence(limit.map(describePair)) || 'nothing'}`),
};

const isOfType = (selector: string, type: string): boolean => selector === '*' || folded(selector) === folded(type);

/** Reports whether a denied selector has the name of a resource, in any spelling that an exception has it in. */
export const names = (
  { type, match }: Pick<Selector, 'type' | 'match'>,
  resource: { readonly type: string; readonly id: string },
): boolean => isOfType(type, resource.type) && isLeftOut([match], resource.id);

const reaches = (selector: Selector, action: ActionFacts): boolean =>
  names(selector, action.resource) &&
  Object.entries(selector.where ?? {}).every(
    ([name, condition]) =>
      isDoubtful(selector, name, action) || satisfies(condition, own(action.resource.attributes, name)),
  );

function isDoubtful({ where }: Selector, name: string, { stated, resource }: ActionFacts): boolean {
  const [condition, value] = [own(where, name), own(resource.attributes, name)];
  if (stated === 'run' || value === undefined || condition === undefined) return true;
  const kinds = kindsFor(condition);
  return kindsOf(value).some((kind) => !kinds.has(kind));
}

/** Returns the kinds of a value: its type, and for a list also those of its elements. */
function kindsOf(value: Attribute): string[] {
  if (Array.isArray(value)) return ['list', ...value.map((each) => `list of ${kindOf(each)}`)];
  return [kindOf(value)];
}

const kindOf = (value: unknown): string =>
  typeof value === 'number' && !Number.isFinite(value) ? 'no number' : typeof value;

/** Returns the kinds of value that a condition distinguishes. */
function kindsFor(condition: Condition): ReadonlySet<string> {
  const { eq, ne, in: among, notIn, lt, lte, gt, gte, prefix, suffix, like, any, all, none } = condition;
  const scalars = [eq, ne, ...(among ?? []), ...(notIn ?? []), lt, lte, gt, gte, prefix, suffix, like];
  const elements = [...(any ?? []), ...(all ?? []), ...(none ?? [])];
  return new Set([
    ...scalars.filter((each) => each !== undefined).map((each) => typeof each),
    ...(elements.length > 0 ? ['list'] : []),
    ...elements.map((each) => `list of ${typeof each}`),
  ]);
}

interface Comparison {
  readonly verbs: Work;
  readonly paths: Work;
  readonly conditions: Work;
}

/** Reports whether a pair denies everything that a narrower one denies. */
const isInside = (narrow: DeniedPair, wide: DeniedPair, work: Comparison): boolean =>
  narrow.actions.every((verb) => verbInside(wide.actions, verb, work.verbs)) &&
  narrow.resources.every((selector) => {
    const covering = wide.resources.filter(
      (each) =>
        (each.type === '*' || (selector.type !== '*' && isOfType(each.type, selector.type))) &&
        conditionsImply(selector, each, work.conditions),
    );
    const patterns = covering.map(({ match }) => match);
    return leaveOutAll(patterns, selector.match, work.paths);
  });

/** A value that is doubtful for the narrow condition must be doubtful for the wide one, too. */
const conditionsImply = (narrow: Selector, wide: Selector, work: Work): boolean =>
  Object.entries(wide.where ?? {}).every(([name, condition]) => {
    const other = own(narrow.where, name);
    if (other === undefined) return false;
    const kinds = kindsFor(other);
    return [...kindsFor(condition)].every((kind) => kinds.has(kind)) && implies(other, condition, work);
  });

/** Returns each pair once, in a fixed order. */
export function distinctPairs(pairs: readonly DeniedPair[]): DeniedPair[] {
  const keyed = new Map(pairs.map((each) => [keyOfPair(each), each]));
  return [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

const keyOfPair = ({ actions, resources: selectors }: DeniedPair): string =>
  JSON.stringify([actions, selectors.map(keyOfSelector)]);

/** A consent card lists more values than a refusal. */
const DESCRIBED = 32;

/** Describes a pair, e.g. `file.write on file .github/**`. */
export const describePair = ({ actions, resources: selectors }: DeniedPair): string =>
  `${listed(actions, 'nothing', DESCRIBED)} on ${resources.describe(selectors)}`;
