import { canonicalDigest } from '#kernel/digest';
import type { Event, EventOf } from '#contracts/event';
import type { Custody } from '#contracts/receipt';
import { ruleStrikesGrant } from './strikes';
import { textOf, type Decision, type Story } from './story';

type Link = Custody['links'][number];
const OPEN = 'the action has no outcome yet';

/** What is found of an action that is merely still open. */
export const isOnlyOpen = (finding: string): boolean => finding === OPEN;

/**
 * On whose authority an action was done: principal → approval → root grant → … → leaf grant → decision → outcome
 * (I7). A link that is missing or contradicts another is a finding, not hidden.
 * @param story the events of the action, its run, and the runs and grants above it
 */
export function custodyOf(actionId: string, story: Story): Custody {
  const decided = story.decisions.get(actionId);
  if (!decided) return { actionId, links: [], findings: [`no decision on ${actionId} is told`] };
  const findings: string[] = [];
  const { event: decision } = decided;
  const grants = grantChain(decision, story, findings);
  const links: Link[] = [principalLink(grants[0], story, findings)].flat();
  for (const grant of grants) links.push(...grantApproval(grant, story, findings), grantLink(grant, story));
  if (decision.type === 'ActionPermitted') {
    links.push(...actionApproval(decision, story, findings));
    findings.push(...deadIn(decision, grants, story));
  }
  links.push(decisionLink(decision));
  links.push(...outcomeLinks(decision, story, findings));
  return { actionId, links, findings };
}

const DECIDED = { ActionPermitted: 'permitted', ActionDenied: 'denied', ActionStepUp: 'a person was asked' } as const;

function link(kind: Link['link'], event: Event, says: string): Link {
  return {
    link: kind,
    says,
    position: event.position,
    time: event.time,
    type: event.type,
    actor: event.actor,
    ...(event.grantId === undefined ? {} : { grantId: event.grantId }),
  };
}

function principalLink(root: EventOf<'GrantIssued'> | undefined, story: Story, findings: string[]): Link[] {
  const opened = root?.runId === undefined ? undefined : story.openings.get(root.runId);
  if (!opened || root?.data.parentId !== undefined) {
    findings.push('the opening of the root run is missing: no principal can be named');
    return [];
  }
  if (opened.event.data.parentRunId !== undefined)
    findings.push('the chain of grants ends at a run that another run made');
  const said = (key: string): string => textOf(opened.payload, key) ?? '(erased)';
  return [link('principal', opened.event, `${said('requestedBy')} asked for: ${said('purpose')}`)];
}

const decisionLink = (decision: EventOf<Decision>): Link =>
  link(
    'decision',
    decision,
    `${DECIDED[decision.type]}: ${decision.data.verb} on ${decision.data.resource.type} ${decision.data.resource.id}`,
  );

/** Root first. Each grant must have been issued before what rests on it, to the run that the run below was made by. */
function grantChain(decision: EventOf<Decision>, story: Story, findings: string[]): EventOf<'GrantIssued'>[] {
  const chain: EventOf<'GrantIssued'>[] = [];
  let before: Event = decision;
  for (let id = decision.grantId; id !== undefined;) {
    const grant = story.issues.get(id)?.event;
    if (!grant) {
      findings.push(`grant ${id} is named but its issue is missing`);
      break;
    }
    // what rests on a grant comes after it: so no chain can lead back to itself
    if (grant.position >= before.position) {
      findings.push(`grant ${id} was issued after what rests on it`);
      break;
    }
    if (!restsOn(before, grant, story))
      findings.push(`grant ${id} is of another run than the one that what rests on it names`);
    chain.unshift(grant);
    before = grant;
    id = grant.data.parentId;
  }
  return chain;
}

/** A decision is under a grant of its own run; a grant is made by the run whose grant is its parent. */
function restsOn(upper: Event, grant: EventOf<'GrantIssued'>, { openings }: Story): boolean {
  if (upper.type !== 'GrantIssued') return upper.runId === grant.runId;
  const opened = upper.runId === undefined ? undefined : openings.get(upper.runId);
  return opened?.event.data.parentRunId === grant.runId;
}

function grantLink(grant: EventOf<'GrantIssued'>, story: Story): Link {
  const agent =
    (grant.runId === undefined ? undefined : story.openings.get(grant.runId))?.event.data.agent.class ?? grant.runId;
  const { actions, budget, time } = grant.data.limits;
  const what = grant.data.parentId === undefined ? 'root lease' : 'lease';
  return link(
    'grant',
    grant,
    `${what} to ${agent}: ${actions.mode} ${actions.allow.join(', ') || 'nothing'}; ${budget.calls} calls; until ${time.expiresAt}`,
  );
}

/** I8: an approval was asked for exactly this, given by a person, and in time. */
function approvalLinks(id: string, binding: string | undefined, user: Event, story: Story, findings: string[]): Link[] {
  const asked = story.asked.get(id)?.event;
  const given = story.answered.get(id)?.event;
  if (
    !asked ||
    given?.type !== 'ApprovalGiven' ||
    given.data.verdict !== 'approve' ||
    given.position >= user.position
  ) {
    findings.push(`approval ${id} is named but was not given before it was used`);
    return [];
  }
  if (asked.data.binding !== binding)
    findings.push(`approval ${id} was given for something else than what it was used for (I8)`);
  if (given.data.usableUntil !== undefined && Date.parse(user.time) >= Date.parse(given.data.usableUntil))
    findings.push(`approval ${id} was used too late (I8)`);
  if (given.actor.kind === 'run' || given.actor.kind === 'system')
    findings.push(`approval ${id} was given by no person (I8)`);
  return [link('approval', given, `approved by ${given.data.by}`)];
}

function grantApproval(grant: EventOf<'GrantIssued'>, story: Story, findings: string[]): Link[] {
  const { approvalId, limits } = grant.data;
  return approvalId === undefined
    ? []
    : approvalLinks(approvalId, canonicalDigest({ runId: grant.runId, limits }), grant, story, findings);
}

function actionApproval(permit: EventOf<'ActionPermitted'>, story: Story, findings: string[]): Link[] {
  const { approvalId, binding } = permit.data;
  return approvalId === undefined ? [] : approvalLinks(approvalId, binding, permit, story, findings);
}

/** I2: what in the chain was not live when the action was permitted. */
function deadIn(permit: EventOf<'ActionPermitted'>, chain: readonly EventOf<'GrantIssued'>[], story: Story): string[] {
  const before = ({ event }: { event: Event }): boolean => event.position < permit.position;
  return chain.flatMap((issued): string[] => {
    const grant = standingIn(issued, permit.position, story);
    const last = (story.stops.get(grant.grantId as string) ?? []).filter(before).pop()?.event;
    const opened = grant.runId === undefined ? undefined : story.openings.get(grant.runId);
    const rule = story.rules.find(
      (each) => before(each) && opened !== undefined && ruleStrikesGrant(each.event, grant, opened),
    );
    const { notBefore, expiresAt } = grant.data.limits.time;
    const found: string[] = [];
    if (last && last.type !== 'GrantResumed')
      found.push(`it was permitted after ${last.type} of grant ${grant.grantId} (I2)`);
    if (rule)
      found.push(`it was permitted after ${rule.event.data.revocationId} had revoked grant ${grant.grantId} (I2)`);
    if (Date.parse(permit.time) >= Date.parse(expiresAt) || Date.parse(permit.time) < Date.parse(notBefore))
      found.push(`it was permitted outside the time of grant ${grant.grantId} (I2)`);
    return found;
  });
}

/** The grant that stood in the place of this one then: a raised lease supersedes the old one. */
function standingIn(
  grant: EventOf<'GrantIssued'>,
  position: number,
  { superseded, issues }: Story,
): EventOf<'GrantIssued'> {
  let current = grant;
  for (;;) {
    const by = superseded.get(current.grantId as string)?.event;
    const next = by && by.position < position ? issues.get(by.data.by)?.event : undefined;
    if (!next || next.position <= current.position) return current;
    current = next;
  }
}

function outcomeLinks(decision: EventOf<Decision>, story: Story, findings: string[]): Link[] {
  const outcomes = (story.outcomes.get(decision.actionId as string) ?? []).map(({ event }) => event);
  if (outcomes.length > 1) findings.push(`the action has ${outcomes.length} outcomes (I7)`);
  if (decision.type !== 'ActionPermitted' && outcomes.length > 0)
    findings.push('the action was not permitted and has an outcome (I7)');
  if (decision.type === 'ActionPermitted' && outcomes.length === 0) findings.push(OPEN);
  if (outcomes.some((event) => event.position <= decision.position || event.runId !== decision.runId))
    findings.push('an outcome does not follow its decision (I7)');
  return outcomes.map((event) => link('outcome', event, event.type.slice('Action'.length).toLowerCase()));
}
