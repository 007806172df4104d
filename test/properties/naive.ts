import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import type { Agent, Limits } from '@bailiwick/contracts/grants/grant';

/**
 * Derives the state of grants from a list of events by walking plain arrays on every call. Shares no code with
 * `@bailiwick/authority` and keeps no state: slow, and as simple as possible.
 */
type Issued = EventOf<'GrantIssued'>;

/** Returns the event that issued a grant, with the limits that renewals and narrowings have left it. */
export function issued(events: readonly Event[], id: string | undefined): Issued | undefined {
  const grant = events.find((event): event is Issued => event.type === 'GrantIssued' && event.grantId === id);
  return grant && { ...grant, data: { ...grant.data, limits: limitsNow(events, grant) } };
}

function limitsNow(events: readonly Event[], { grantId, data }: Issued): Limits {
  let { limits } = data;
  for (const event of events) {
    if (event.grantId !== grantId) continue;
    if (event.type === 'GrantNarrowed') limits = event.data.limits;
    if (event.type === 'GrantRenewed') limits = { ...limits, time: { ...limits.time, expiresAt: event.data.until } };
  }
  return limits;
}

/** Returns the newest grant in a chain of raises. */
export function standing(events: readonly Event[], id: string): string {
  const raised = events.find((event) => event.type === 'GrantSuperseded' && event.grantId === id);
  return raised?.type === 'GrantSuperseded' ? standing(events, raised.data.by) : id;
}

/** Returns the grant and all its ancestors in their newest version, leaf first. */
export function chain(events: readonly Event[], id: string): Issued[] {
  const grant = issued(events, standing(events, id));
  if (!grant) return [];
  return [grant, ...(grant.data.parentId === undefined ? [] : chain(events, grant.data.parentId))];
}

/** Returns why the grant permits nothing at this time, or undefined if it is live. */
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

/** Returns the rules that revoke a grant: newer than its run, matching it, and not limited to older runs. */
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
    // a rule strikes what the lease could do when the rule was added
    const then = issued(events.slice(0, events.indexOf(event)), grant.grantId) ?? grant;
    return selects(selector, { ...run.data, treeId: grant.treeId ?? '', limits: then.data.limits });
  });
}

/** Compares with the age of the run: an approval or a raise does not make a lease younger. */
const isOlder = (rule: EventOf<'RevocationRuleAdded'>, run: EventOf<'RunOpened'>): boolean =>
  run.position < rule.position &&
  (rule.data.selector.issuedBefore === undefined || Date.parse(run.time) < Date.parse(rule.data.selector.issuedBefore));

/** Returns the rules that deny a call by verb or tool name, for the grant or an ancestor. */
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

export function selects(selector: StoredSelector, subject: Subject): boolean {
  const { agent, principalRef, purposeRef, treeId, limits } = subject;
  const same = (want: string | undefined, is: string | undefined): boolean => want === undefined || want === is;
  return (
    same(selector.agentClass, agent.class) &&
    same(selector.agentInstance, agent.instance) &&
    same(selector.modelVersion, agent.posture?.modelVersion) &&
    same(selector.principalRef, principalRef) &&
    same(selector.purposeRef, purposeRef) &&
    same(selector.treeId, treeId) &&
    (selector.tool === undefined || couldUse(limits, selector.tool)) &&
    (selector.all ?? []).every((part) => selects(part, subject)) &&
    (selector.any === undefined || selector.any.some((part) => selects(part, subject))) &&
    !(selector.not && selects(selector.not, subject))
  );
}

const couldUse = ({ actions, permissions, deny = [] }: Limits, tool: string): boolean =>
  /^[a-z0-9_.-]+$/.test(tool) &&
  (permissions ?? [actions.allow])
    .flatMap((each) => ('actions' in each ? each.actions : each))
    .some((pattern) => covers(pattern, tool)) &&
  !deny.some(
    (pair) =>
      pair.actions.some((pattern) => covers(pattern, tool)) &&
      pair.resources.some((each) => each.type === '*' && each.match === '**' && each.where === undefined),
  ) &&
  actions.allow.some((pattern) => covers(pattern, tool)) &&
  !actions.deny.some((pattern) => covers(pattern, tool));

/** Matches by regular expression: `**` is any number of segments, a last `*` at least one, any other `*` exactly one. */
export function covers(pattern: string, verb: string): boolean {
  const parts = pattern.split('.').map((part, i, all) => {
    if (part === '**') return '(\\.[^.]+)*';
    if (part === '*') return i === all.length - 1 ? '(\\.[^.]+)+' : '\\.[^.]+';
    return `\\.${part}`;
  });
  return new RegExp(`^${parts.join('')}$`).test(`.${verb}`);
}

/** Returns the quarantines in force. */
export function quarantines(events: readonly Event[]): EventOf<'RevocationRuleAdded'>[] {
  const lifted = events.flatMap((event) => (event.type === 'QuarantineLifted' ? [event.data.revocationId] : []));
  return events.filter(
    (event): event is EventOf<'RevocationRuleAdded'> =>
      event.type === 'RevocationRuleAdded' && event.data.quarantine && !lifted.includes(event.data.revocationId),
  );
}

/** Counts cases: a property that met no case proves nothing. */
export class Tally {
  private readonly counts = new Map<string, number>();
  add(what: string, n = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + n);
  }
  /** @throws if one of these cases occurred less often */
  atLeast(least: number, ...whats: string[]): void {
    const rare = whats.filter((what) => (this.counts.get(what) ?? 0) < least);
    if (rare.length > 0) throw new Error(`too few of ${rare.join(', ')}: ${JSON.stringify([...this.counts])}`);
  }
}
