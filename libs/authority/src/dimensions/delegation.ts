import { delegationLimit, type DelegationLimit } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import type { Dimension, Verdict } from './dimension';
import { counted, listed, shown } from '../presentation/text';
import { deny, PERMIT, sorted, Wider } from './verdict';

const mayBe = (classes: readonly string[], name: string): boolean => classes.includes('*') || classes.includes(name);

/**
 * Which delegations a lease allows: how many levels below it, how many direct children, which classes (`*` is any).
 * None by default. It is checked when delegating (`mayDelegate`), not on actions.
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
    return `may delegate to ${counted(limit.children, 'child', 'children')} of ${whom}, ${counted(limit.depth, 'level')} deep`;
  },
};

/** Decides whether a grant with this limit, and this number of children made so far, may have a child of this class. */
export function mayDelegate(limit: DelegationLimit, agentClass: string, children: number): Verdict {
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
