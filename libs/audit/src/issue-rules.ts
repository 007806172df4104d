import { attenuatesAll } from '@bailiwick/authority/dimensions/all';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Grant } from './books';
import type { ReportFinding } from './finding';

/** Checks that each grant of the chain belongs to a child of the run above it, in one tree (I7). */
export function linked(chain: readonly Grant[], event: Event, report: ReportFinding): void {
  if (chain[0]?.run.id !== event.runId)
    report('custody', `${event.grantId ?? ''} is not a grant of ${event.runId ?? 'no run'}`);
  chain.forEach((grant, up) => {
    const above = chain[up + 1];
    if (grant.run.treeId !== event.treeId || grant.run.parentRunId !== above?.run.id)
      report('custody', `the chain has a gap above ${grant.id}`);
  });
}

/**
 * More work than a decision may take: a release that compared more, or more cleverly, may have issued a grant for which
 * the bound of this one does not suffice.
 */
const EFFORT = 10;

/**
 * I1: checks that a grant is not wider than its parent in any dimension, and that the parent may have another child.
 * @param live the open children of the parent, including the run of this grant
 */
export function below(
  parent: Grant,
  { data: { limits, depth } }: EventOf<'GrantIssued'>,
  { raised, live }: { readonly raised: boolean; readonly live: number },
  report: ReportFinding,
): void {
  for (const { message } of attenuatesAll(limits, parent.limits, EFFORT))
    report('attenuation', `a grant that ${message}`);
  if (depth !== parent.depth + 1) report('custody', `at depth ${depth}, below one at ${parent.depth}`);
  if (!raised && parent.children >= parent.limits.delegation.children)
    report('attenuation', `${parent.id} may have ${parent.limits.delegation.children} children, and this is one more`);
  const { concurrent = Infinity } = parent.limits.delegation;
  if (!raised && live > concurrent)
    report('attenuation', `${parent.id} may have ${concurrent} children at a time, and this is one more`);
}

/** Reports whether limits exceed those asked for in any dimension; both are limits of one level. */
export function isMore(given: Limits, asked: Limits | undefined): boolean {
  if (!asked) return true;
  const most = { ...asked, delegation: { ...asked.delegation, depth: asked.delegation.depth + 1 } };
  return attenuatesAll(given, most, EFFORT).length > 0;
}
