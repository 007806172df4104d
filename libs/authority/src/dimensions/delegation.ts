import { delegationLimit, type DelegationLimit } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import type { Dimension, Verdict } from './dimension';
import { counted, listed, shown } from '../presentation/text';
import { deny, PERMIT, sorted, Wider } from './verdict';

const mayBe = (classes: readonly string[], name: string): boolean => classes.includes('*') || classes.includes(name);

/**
 * Which delegations a lease allows: how many levels below it, how many direct children in all and at one time, which
 * classes (`*` is any), and whether a person approves each. None by default. It is checked when delegating (`mayDelegate`), not on actions.
 *
 * `attenuates` concerns a child, one level down, which has at least one level less. `meet` concerns two limits of one
 * grant, on the same level.
 */
export const delegation: Dimension<DelegationLimit> = {
  name: 'delegation',
  schema: delegationLimit,
  unlimited: { depth: LIMITS.treeDepth, children: LIMITS.childrenPerGrant, classes: ['*'] },
  meet: (a, b) => ({
    depth: Math.min(a.depth, b.depth),
    children: Math.min(a.children, b.children),
    classes: sorted([
      ...a.classes.filter((each) => mayBe(b.classes, each)),
      ...b.classes.filter((each) => mayBe(a.classes, each)),
    ]),
    ...tighterOptions(a, b),
  }),
  attenuates(child, parent) {
    const wider = new Wider('delegation');
    const left = Math.max(parent.depth - 1, 0);
    wider.unless(
      child.depth <= left,
      'delegation.depth',
      child.depth,
      parent.depth,
      `could pass on ${counted(child.depth, 'level')}; its parent, of depth ${parent.depth}, leaves it ${left}`,
    );
    wider.unless(
      child.children <= parent.children,
      'delegation.children',
      child.children,
      parent.children,
      `could have ${counted(child.children, 'child', 'children')}; its parent may have ${parent.children}`,
    );
    wider.unless(
      parent.concurrent === undefined || (child.concurrent ?? Infinity) <= parent.concurrent,
      'delegation.concurrent',
      child.concurrent ?? null,
      parent.concurrent ?? null,
      `could have ${child.concurrent === undefined ? 'any number of children' : counted(child.concurrent, 'child', 'children')} at a time; its parent may have ${parent.concurrent}`,
    );
    wider.unless(
      parent.ask !== true || child.ask === true,
      'delegation.ask',
      child.ask ?? null,
      parent.ask ?? null,
      'could delegate without an approval, and its parent may not',
    );
    const extra = child.classes.filter((each) => !mayBe(parent.classes, each));
    wider.unless(
      extra.length === 0,
      'delegation.classes',
      shown(extra),
      shown(parent.classes),
      `could delegate to ${listed(extra)}, and its parent may not`,
    );
    return wider.result();
  },
  admits: () => PERMIT,
  describe(limit) {
    if (limit.depth === 0 || limit.children === 0 || limit.classes.length === 0) return 'may not delegate';
    const whom = limit.classes.includes('*') ? 'any class' : `the class ${listed(limit.classes)}`;
    const levels = `${counted(limit.depth, 'level')} deep`;
    const asked = limit.ask === true ? '; a person must approve each' : '';
    if (limit.concurrent === undefined)
      return `may delegate to ${counted(limit.children, 'child', 'children')} of ${whom}, ${levels}${asked}`;
    const atOnce = counted(limit.concurrent, 'subagent');
    return `may delegate to at most ${atOnce} at a time, ${limit.children} in all, of ${whom}, ${levels}${asked}`;
  },
};

/** Returns the optional limits that hold if both limits hold. */
export function tighterOptions(a: Options, b: Options): Options {
  const concurrent = Math.min(a.concurrent ?? Infinity, b.concurrent ?? Infinity);
  return {
    ...(concurrent === Infinity ? {} : { concurrent }),
    ...(a.ask === true || b.ask === true ? { ask: true } : {}),
  };
}
type Options = Pick<DelegationLimit, 'concurrent' | 'ask'>;

/**
 * Decides whether a grant with this limit may have a child of this class.
 * @param children the number of children made so far, including those that wait for an approval
 * @param live the number of them that have not ended
 */
export function mayDelegate(limit: DelegationLimit, agentClass: string, children: number, live = 0): Verdict {
  if (!(limit.depth > 0)) {
    return deny('DELEGATION_DEPTH', 'this lease may not delegate (its depth is 0)', {
      path: 'delegation.depth',
      limit: limit.depth,
    });
  }
  if (!(children < limit.children)) {
    return deny('DELEGATION_CHILDREN', `${children} of ${limit.children} children have been made`, {
      path: 'delegation.children',
      limit: limit.children,
      actual: children,
    });
  }
  if (limit.concurrent !== undefined && !(live < limit.concurrent)) {
    return deny(
      'DELEGATION_CONCURRENT',
      `${live} of ${limit.concurrent} children live at this time; wait until one ends, or end one`,
      { path: 'delegation.concurrent', limit: limit.concurrent, actual: live },
    );
  }
  if (!mayBe(limit.classes, agentClass)) {
    return deny(
      'AGENT_CLASS_NOT_ALLOWED',
      `this lease may delegate to ${listed(limit.classes, 'no class')}, not to ${agentClass}`,
      {
        path: 'delegation.classes',
        limit: shown(limit.classes),
        actual: agentClass,
      },
    );
  }
  return PERMIT;
}
