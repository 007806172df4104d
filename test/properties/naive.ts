import type { Event, EventOf, StoredSelector } from '@bailiwick/contracts/event';
import type { Agent, Limits } from '@bailiwick/contracts/grant';

/**
 * What a list of events says of its grants, told by walking plain arrays each time anew. It shares no code with
 * `@bailiwick/authority` and keeps nothing: slow, and as obvious as it can be.
 */
type Issued = EventOf<'GrantIssued'>;

export const issued = (events: readonly Event[], id: string | undefined): Issued | undefined =>
  events.find((event): event is Issued => event.type === 'GrantIssued' && event.grantId === id);

/** The grant that stands in the place of this one. */
export function standing(events: readonly Event[], id: string): string {
  const raised = events.find((event) => event.type === 'GrantSuperseded' && event.grantId === id);
  return raised?.type === 'GrantSuperseded' ? standing(events, raised.data.by) : id;
}

/** The grant and all above it, as they stand; leaf first. */
export function chain(events: readonly Event[], id: string): Issued[] {
  const grant = issued(events, standing(events, id));
  if (!grant) return [];
  return [grant, ...(grant.data.parentId === undefined ? [] : chain(events, grant.data.parentId))];
}

/** Why nothing may be done under this grant at this time, or undefined. */
export function dead(events: readonly Event[], id: string, now: number): string | undefined {
  const grants = chain(events, id);
  if (grants.length === 0) return 'is not known';
  for (const grant of grants) {
    const why = deadItself(events, grant, now);
    if (why !== undefined) return `${grant.grantId} ${why}`;
  }
  return undefined;
}

export function deadItself(events: readonly Event[], grant: Issued, now: number): string | undefined {
  let suspended = false;
  for (const event of events) {
    if (event.type === 'RunCompleted' && event.runId === grant.runId) return 'is completed';
    if (event.grantId !== grant.grantId) continue;
    if (event.type === 'GrantRevoked') return 'is revoked';
    if (event.type === 'GrantExpired') return 'is expired';
    if (event.type === 'GrantExhausted') return 'is exhausted';
    if (event.type === 'GrantSuspended') suspended = true;
    if (event.type === 'GrantResumed') suspended = false;
  }
  if (now >= Date.parse(grant.data.limits.time.expiresAt)) return 'is over its time';
  if (strikes(events, grant).length > 0) return 'is struck by a rule';
  return suspended ? 'is suspended' : undefined;
}

/** The rules that strike a grant: newer than it, matching it, and not only for what is older still. */
export function strikes(
  events: readonly Event[],
  grant: Issued,
  part = (selector: StoredSelector) => selector,
): EventOf<'RevocationRuleAdded'>[] {
  const run = opened(events, grant.runId);
  if (!run) return [];
  return events.filter((event): event is EventOf<'RevocationRuleAdded'> => {
    if (event.type !== 'RevocationRuleAdded' || event.data.target === 'tool' || !isOlder(event, run)) return false;
    const selector = part(event.data.selector);
    return selects(selector, { ...run.data, treeId: grant.treeId ?? '', limits: grant.data.limits });
  });
}

/** A lease is as old as its run, whoever approved or raised it when. */
const isOlder = (rule: EventOf<'RevocationRuleAdded'>, run: EventOf<'RunOpened'>): boolean =>
  run.position < rule.position &&
  (rule.data.selector.issuedBefore === undefined || Date.parse(run.time) < Date.parse(rule.data.selector.issuedBefore));

/** The rules that deny a call under a grant or one above it, by the name of its verb or of its tool. */
export function deniedTool(
  events: readonly Event[],
  id: string,
  { verb, tool }: { verb: string; tool?: string | undefined },
): EventOf<'RevocationRuleAdded'>[] {
  const inForce = quarantines(events);
  return events.filter((event): event is EventOf<'RevocationRuleAdded'> => {
    if (event.type !== 'RevocationRuleAdded') return false;
    const { tool: named, issuedBefore: _, ...parts } = event.data.selector;
    if (named === undefined || (named !== verb && named !== tool)) return false;
    return chain(events, id).some((grant) => {
      const run = opened(events, grant.runId);
      const held = event.data.target === 'tool' && inForce.includes(event);
      return (
        run !== undefined &&
        (held || isOlder(event, run)) &&
        selects(parts, { ...run.data, treeId: grant.treeId ?? '', limits: grant.data.limits })
      );
    });
  });
}

export const opened = (events: readonly Event[], runId: string | undefined): EventOf<'RunOpened'> | undefined =>
  events.find((event): event is EventOf<'RunOpened'> => event.type === 'RunOpened' && event.runId === runId);

interface Subject {
  agent: Agent;
  principalRef: string;
  purposeRef: string;
  treeId: string;
  limits: Limits;
}

export function selects(
  selector: StoredSelector,
  { agent, principalRef, purposeRef, treeId, limits }: Subject,
): boolean {
  const same = (want: string | undefined, is: string | undefined): boolean => want === undefined || want === is;
  return (
    same(selector.agentClass, agent.class) &&
    same(selector.agentInstance, agent.instance) &&
    same(selector.modelVersion, agent.posture?.modelVersion) &&
    same(selector.principalRef, principalRef) &&
    same(selector.purposeRef, purposeRef) &&
    same(selector.treeId, treeId) &&
    (selector.tool === undefined || couldUse(limits, selector.tool))
  );
}

const couldUse = ({ actions }: Limits, tool: string): boolean =>
  /^[a-z0-9_.-]+$/.test(tool) &&
  actions.allow.some((pattern) => covers(pattern, tool)) &&
  !actions.deny.some((pattern) => covers(pattern, tool));

/** By a regular expression: `**` any number of segments, a last `*` at least one, any other `*` just one. */
export function covers(pattern: string, verb: string): boolean {
  const parts = pattern.split('.').map((part, i, all) => {
    if (part === '**') return '(\\.[^.]+)*';
    if (part === '*') return i === all.length - 1 ? '(\\.[^.]+)+' : '\\.[^.]+';
    return `\\.${part}`;
  });
  return new RegExp(`^${parts.join('')}$`).test(`.${verb}`);
}

/** The quarantines in force, or a new grant of theirs would be refused. */
export function quarantines(events: readonly Event[]): EventOf<'RevocationRuleAdded'>[] {
  const lifted = events.flatMap((event) => (event.type === 'QuarantineLifted' ? [event.data.revocationId] : []));
  return events.filter(
    (event): event is EventOf<'RevocationRuleAdded'> =>
      event.type === 'RevocationRuleAdded' && event.data.quarantine && !lifted.includes(event.data.revocationId),
  );
}

/** How often each thing happened: a property that met no case of it proves nothing. */
export class Tally {
  private readonly counts = new Map<string, number>();
  add(what: string, n = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + n);
  }
  /** @throws where one of these happened less often */
  atLeast(least: number, ...whats: string[]): void {
    const rare = whats.filter((what) => (this.counts.get(what) ?? 0) < least);
    if (rare.length > 0) throw new Error(`too few of ${rare.join(', ')}: ${JSON.stringify([...this.counts])}`);
  }
}
