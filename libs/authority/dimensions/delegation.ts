import { delegationLimit, type DelegationLimit } from '#contracts/grant';
import type { Dimension, Verdict } from '../dimension';
import { deny, PERMIT, sorted, Wider } from './verdict';
import { LIMITS } from '#kernel/limits';

const mayBe = (classes: readonly string[], name: string): boolean => classes.includes('*') || classes.includes(name);

/** Who may be handed a part of this lease: how deep, how many, which classes. Default none. Asked when delegating. */
export const delegation: Dimension<DelegationLimit> = {
  name: 'delegation',
  schema: delegationLimit,
  unlimited: { depth: LIMITS.treeDepth, children: LIMITS.childrenPerGrant, classes: ['*'] },
  meet: (a, b) => ({
    depth: Math.min(a.depth, b.depth),
    children: Math.min(a.children, b.children),
    classes: a.classes.includes('*') ? sorted(b.classes) : b.classes.includes('*') ? sorted(a.classes) : sorted(a.classes.filter((each) => b.classes.includes(each))),
  }),
  attenuates(child, parent) {
    const wider = new Wider('delegation');
    const left = Math.max(parent.depth - 1, 0);
    wider.unless(child.depth <= left, 'delegation.depth', child.depth, parent.depth, `its parent can pass on a depth of ${left} at most`);
    wider.unless(child.children <= parent.children, 'delegation.children', child.children, parent.children, 'could make more children than its parent');
    const extra = child.classes.filter((each) => !mayBe(parent.classes, each));
    wider.unless(extra.length === 0, 'delegation.classes', child.classes, parent.classes, `could delegate to ${extra.join(', ')}, which its parent may not`);
    return wider.result();
  },
  admits: () => PERMIT,
  describe: (limit) => (limit.depth === 0 || limit.children === 0 ? 'may not delegate' : `may delegate to ${limit.children} of ${limit.classes.join(', ') || 'no class'}, ${limit.depth} deep`),
};

/** May a grant with this limit, and so many children already, have one of this class? */
export function mayDelegate(limit: DelegationLimit, agentClass: string, children: number): Verdict {
  if (!(limit.depth > 0)) return deny('DELEGATION_DEPTH', 'this lease may not delegate (depth 0)', { path: 'delegation.depth', limit: limit.depth });
  if (!(children < limit.children)) return deny('DELEGATION_CHILDREN', `${children} of ${limit.children} children have been made`, { path: 'delegation.children', limit: limit.children, actual: children });
  if (!mayBe(limit.classes, agentClass)) return deny('AGENT_CLASS_NOT_ALLOWED', `this lease may not delegate to the class ${agentClass}`, { path: 'delegation.classes', limit: limit.classes, actual: agentClass });
  return PERMIT;
}
