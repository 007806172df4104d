import { resourcesLimit, type ResourcesLimit, type Selector } from '#contracts/grant';
import type { Dimension } from '../dimension';
import { includes } from '../inclusion';
import { matchesPath } from '../pattern';
import { describeCondition, implies, satisfies } from './conditions';
import { deny, PERMIT, Wider } from './verdict';

/**
 * Which things. A child's selector lies inside its parent's selectors when its path lies inside the UNION of the paths
 * of those of them that have its type and whose conditions its own conditions imply. Decided exactly on paths. Unions
 * across conditions (sensitivity public here, internal there, together both) are refused: split the child's selector.
 */
export const resources: Dimension<ResourcesLimit> = {
  name: 'resources',
  schema: resourcesLimit,
  unlimited: [{ type: '*', match: '**' }],
  meet: (a, b) => distinct([...a.filter((each) => inside(b, each)), ...b.filter((each) => inside(a, each))]),
  attenuates(child, parent) {
    const wider = new Wider('resources');
    child.forEach((selector, i) =>
      wider.unless(inside(parent, selector), `resources[${i}]`, selector, parent, `would reach ${describeSelector(selector)}, which no selector of its parent covers under the same conditions`),
    );
    return wider.result();
  },
  admits(limit, action) {
    const { type, id, attributes } = action.resource;
    const near = limit.filter((selector) => (selector.type === '*' || selector.type === type) && matchesPath(selector.match, id));
    if (near.some((selector) => holds(selector, attributes))) return PERMIT;
    const why = near.length > 0 ? `but not under the condition that ${near.map(describeConditions).join(', or ')}` : 'and no selector of the lease covers it';
    return deny('RESOURCE_NOT_ALLOWED', `${type} ${id} is asked for, ${why}`, { path: 'resources', limit: limit.map(describeSelector).slice(0, 8), actual: { type, id } });
  },
  describe: (limit) => (limit.length ? limit.map(describeSelector).join('; ') : 'nothing'),
};

function holds(selector: Selector, attributes: Readonly<Record<string, string | number | boolean>>): boolean {
  return Object.entries(selector.where ?? {}).every(([name, condition]) => satisfies(condition, Object.hasOwn(attributes, name) ? attributes[name] : undefined));
}

function inside(parents: readonly Selector[], child: Selector): boolean {
  const covering = parents.filter((parent) => (parent.type === '*' || parent.type === child.type) && conditionsImply(child, parent));
  return includes(covering.map((parent) => parent.match.split('/')), child.match.split('/'));
}

function conditionsImply(child: Selector, parent: Selector): boolean {
  return Object.entries(parent.where ?? {}).every(([name, wide]) => {
    const narrow = child.where && Object.hasOwn(child.where, name) ? child.where[name] : undefined;
    return narrow !== undefined && implies(narrow, wide);
  });
}

function distinct(selectors: readonly Selector[]): Selector[] {
  return [...new Map(selectors.map((each) => [JSON.stringify(each), each])).values()];
}

const describeConditions = (selector: Selector): string =>
  Object.entries(selector.where ?? {}).map(([name, condition]) => describeCondition(name, condition)).join(' and ');

export function describeSelector(selector: Selector): string {
  const conditions = describeConditions(selector);
  return `${selector.type} ${selector.match}${conditions ? ` where ${conditions}` : ''}`;
}
