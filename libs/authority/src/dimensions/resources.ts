import { resourcesLimit, type ResourcesLimit, type Selector } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import type { Dimension, Verdict } from './dimension';
import { isLeftOut } from '../matching/exception';
import { allowance, areApart, covers, type Region, type Work } from '../matching/inclusion';
import { pathOf } from '../matching/name-forms';
import { matchesPath } from '../matching/pattern';
import { clip, listed, sentence, shown } from '../presentation/text';
import { conditionAllowance, implies } from './conditions/inclusion';
import { both } from './conditions/meet';
import { describeCondition, quoted, satisfies, type Attributes } from './conditions/operators';
import { deny, PERMIT, sorted, stepUp, TOO_INTRICATE, Wider } from './verdict';

/**
 * The resources that a grant covers: any of its selectors may match; an empty list admits nothing.
 *
 * A child's selector lies inside its parent's selectors if its path, less its exceptions, lies inside the UNION of those
 * that have its type (or any) and whose conditions are implied by its own. On paths this is exact. Unions across conditions
 * are refused: a child for sensitivity public or internal does not lie inside one parent selector for public and
 * another for internal; it must name two selectors itself.
 */
export const resources: Dimension<ResourcesLimit> = {
  name: 'resources',
  schema: resourcesLimit,
  unlimited: ['**', '/**', 'http://**', 'https://**'].map((match) => ({ type: '*', match })),
  /** Meets pair by pair if one path lies inside the other; paths that only overlap are left out. */
  meet: (a, b) => distinct(a.flatMap((x) => b.flatMap((y) => meetSelectors(x, y)))),
  attenuates(child, parent, effort) {
    const wider = new Wider('resources');
    const work = { paths: allowance(effort), conditions: conditionAllowance(effort) };
    const outside = child.filter((selector) => !inside(parent, selector, work)).map(describeSelector);
    wider.unless(
      outside.length === 0,
      'resources',
      shown(outside),
      shown(parent.map(describeSelector)),
      `would reach ${listed(outside)}, which no selectors of its parent cover under the same conditions` +
        ' (selectors that differ in a condition are not taken together: name one for each)' +
        (work.paths.left < 0 || work.conditions.left < 0 ? `; ${TOO_INTRICATE}` : ''),
    );
    return wider.result();
  },
  admits: (limit, action) => verdictNear(limit, action) ?? notCovered(limit, action),
  describe: (limit) => listed(limit.map(describeSelector), 'nothing', DESCRIBED),
};

/** A consent card lists more values than a refusal. */
const DESCRIBED = 32;

/** What decides whether a selector covers an action. Each permit records it. */
export interface ResourceFacts {
  readonly resource: { readonly type: string; readonly id: string; readonly attributes?: Attributes | undefined };
  /** attributes that a run states about its own call satisfy no condition, but can contradict one */
  readonly stated?: 'run' | undefined;
}

/** Decides an action by its resource alone; undefined if no selector has it, whatever the conditions. */
export function verdictNear(limit: ResourcesLimit, facts: ResourceFacts): Verdict | undefined {
  const { resource, stated } = facts;
  const { type, id, attributes } = resource;
  let near: Selector[] | undefined;
  for (const selector of limit) {
    if (!isOfType(type, selector) || !matches(selector, id)) continue;
    if (selector.where === undefined) return PERMIT;
    if (stated === 'run' ? !hasConditions(selector) : holds(selector, attributes)) return PERMIT;
    (near ??= []).push(selector);
  }
  if (near === undefined) return undefined;
  const what = `${clip(type)} ${clip(id)}`;
  const open = stated === 'run' ? near.filter((selector) => !contradicts(selector, attributes)) : [];
  if (open.length > 0) {
    const says = `${what} is covered only where ${listed(open.map(describeConditions))}, and no enforcement point has stated that; a person decides, or have the call decided by an enforcement point`;
    return stepUp('RESOURCE_NOT_VERIFIED', says, {
      path: 'resources',
      limit: shown(open.map(describeSelector)),
      actual: { type: clip(type), id: clip(id) },
    });
  }
  return notCovered(limit, facts, `${what} is covered only where ${listed(near.map(describeConditions))}`);
}

function notCovered(limit: ResourcesLimit, { resource: { type, id } }: ResourceFacts, near?: string): Verdict {
  const why =
    near ?? `${clip(type)} ${clip(id)} is not covered: the lease is for ${listed(limit.map(describeSelector))}`;
  return deny('RESOURCE_NOT_ALLOWED', why, {
    path: 'resources',
    limit: shown(limit.map(describeSelector)),
    actual: { type: clip(type), id: clip(id) },
  });
}

export const isOfType = (type: string, selector: Selector): boolean => selector.type === '*' || selector.type === type;

function holds(selector: Selector, attributes: Attributes | undefined): boolean {
  return Object.entries(selector.where ?? {}).every(([name, condition]) => satisfies(condition, own(attributes, name)));
}

const hasConditions = ({ where }: Selector): boolean => Object.keys(where ?? {}).length > 0;

function contradicts(selector: Selector, attributes: Attributes | undefined): boolean {
  return Object.entries(selector.where ?? {}).some(([name, condition]) => {
    const value = own(attributes, name);
    return value !== undefined && !satisfies(condition, value);
  });
}

/** Reads an own member, never an inherited one: an attribute may be called `constructor`. */
export function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** The remaining work of comparing selectors. */
export interface Effort {
  readonly paths: Work;
  readonly conditions: Work;
}

/** Reports whether one selector lies inside others. */
export function inside(parents: readonly Selector[], child: Selector, work: Effort): boolean {
  const path = pathOf(child.match);
  const covering = parents.filter(
    (parent) =>
      isOfType(child.type, parent) &&
      pathOf(parent.match).form === path.form &&
      !areApart(pathOf(parent.match).segments, path.segments) &&
      conditionsImply(child, parent, work.conditions),
  );
  return pathInside(covering, child, work.paths);
}

/** Patterns of another form share no name with the child. */
const pathInside = (parents: readonly Selector[], child: Selector, work?: Work): boolean =>
  covers(
    parents.filter((parent) => pathOf(parent.match).form === pathOf(child.match).form).map(regionOf),
    regionOf(child),
    work,
  );

/** Returns the region of a selector; an exception of another form leaves out nothing of it. */
function regionOf({ match, except }: Selector): Region {
  const { form, segments } = pathOf(match);
  const own = except?.map(pathOf).filter((each) => each.form === form);
  return { match: segments, except: own?.map((each) => each.segments) };
}

/** Reports whether a selector covers a name, whatever its type and conditions. */
export const matches = ({ match, except }: Selector, id: string): boolean =>
  matchesPath(match, id) && (except === undefined || !isLeftOut(except, id));

function conditionsImply(child: Selector, parent: Selector, work: Work): boolean {
  return Object.entries(parent.where ?? {}).every(([name, wide]) => {
    const narrow = own(child.where, name);
    return narrow !== undefined && implies(narrow, wide, work);
  });
}

function meetSelectors(x: Selector, y: Selector): Selector[] {
  const type = x.type === '*' ? y.type : y.type === '*' || y.type === x.type ? x.type : undefined;
  const inner = pathInside([{ ...y, except: undefined }], x)
    ? x
    : pathInside([{ ...x, except: undefined }], y)
      ? y
      : undefined;
  if (type === undefined || inner === undefined) return [];
  const except = sorted([...(x.except ?? []), ...(y.except ?? [])]);
  if (except.length > LIMITS.exceptionsPerSelector) return [];
  const where = new Map(Object.entries(x.where ?? {}));
  for (const [name, condition] of Object.entries(y.where ?? {})) {
    const other = where.get(name);
    const met = other ? both(other, condition) : condition;
    if (!met) return [];
    where.set(name, met);
  }
  const { match, literal } = inner;
  return [
    {
      type,
      match,
      ...(literal ? { literal } : {}),
      ...(except.length > 0 ? { except } : {}),
      ...(where.size > 0 ? { where: Object.fromEntries(where) } : {}),
    },
  ];
}

/** Returns each selector once, in a fixed order. */
export function distinct(selectors: readonly Selector[]): Selector[] {
  const keyed = new Map(selectors.map((each) => [keyOfSelector(each), each]));
  return [...keyed].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** Identifies what a selector covers: the order of its conditions, and of the values in one, means nothing. */
export const keyOfSelector = (selector: Selector): string =>
  JSON.stringify([
    selector.type,
    selector.match,
    ...(selector.except ? [selector.except] : []),
    inOrder(selector.where ?? {}).map(([name, condition]) => [name, inOrder(condition).map(operandInOrder)]),
  ]);

const inOrder = <T>(members: Readonly<Record<string, T>>): [name: string, value: T][] =>
  Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1));

function operandInOrder([operator, operand]: [string, unknown]): [string, unknown] {
  return [operator, Array.isArray(operand) ? sorted(operand.map((each) => JSON.stringify(each))) : operand];
}

const describeConditions = (selector: Selector): string =>
  sentence(Object.entries(selector.where ?? {}).map(([name, condition]) => describeCondition(name, condition)));

/** Describes a selector, e.g. `repo acme/** except acme/secret where sensitivity is one of public, internal`. */
export function describeSelector(selector: Selector): string {
  const conditions = describeConditions(selector);
  const match = selector.literal ? `${clip(selector.match)} (literally)` : clip(selector.match);
  const except = selector.except ? ` except ${listed(selector.except.map(quoted), '', DESCRIBED)}` : '';
  return `${clip(selector.type)} ${match}${except}${conditions ? ` where ${conditions}` : ''}`;
}
