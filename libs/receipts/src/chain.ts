import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { limitsAt, timeAt } from './lease-changes';
import type { Custody } from '@bailiwick/contracts/receipts/receipt';
import { importedBefore } from './imported';
import { leaseText } from './lease-text';
import { appliesTo, meansCall, ruleDeniesTool, ruleStrikesGrant, ruleSuspendsGrant } from './strikes';
import { textOf, type Decision, type Story } from './story';

type Link = Custody['links'][number];
type Issued = EventOf<'GrantIssued'>;
/** `sha256:<hex>` of the canonical JSON of a value. */
export type DigestOf = (value: unknown) => string;

// Receipts contain the texts of links and findings: a change breaks the verification of existing receipts.

const OPEN = 'the action has no outcome yet';

/** Reports whether a finding only states that the action is still open. */
export const isOnlyOpen = (finding: string): boolean => finding === OPEN;

/**
 * Builds the chain of custody of an action: principal → approval → root grant → … → leaf grant → decision → outcome
 * (I7). A link that is missing or that contradicts another is reported as a finding.
 * @param story the events of the action, its run, and the runs and grants above it
 * @param digestOf `sha256:<hex>` of the canonical JSON of a value; approvals are bound to such digests
 */
export function chainOfCustody(actionId: string, story: Story, digestOf: DigestOf): Custody {
  const { links, findings } = follow(actionId, story, digestOf);
  const before = importedBefore(story);
  const marked = (each: Link): Link => (each.position < before ? { ...each, imported: true } : each);
  return { actionId, links: links.map((make) => marked(make())), findings };
}

/** Returns only the findings of `chainOfCustody`, without building its links. */
export const findingsOf = (actionId: string, story: Story, digestOf: DigestOf): string[] =>
  follow(actionId, story, digestOf).findings;

/** Builds a link on demand. */
type LazyLink = () => Link;

function follow(actionId: string, story: Story, digestOf: DigestOf): { links: LazyLink[]; findings: string[] } {
  const decided = story.decisions.get(actionId);
  if (!decided) return { links: [], findings: [`the decision on ${actionId} is missing`] };
  const findings: string[] = [];
  const { event: decision } = decided;
  const grants = grantChain(decision, story, findings);
  const links = principalLink(grants[0], story, findings);
  for (const grant of grants)
    links.push(...grantApproval(grant, story, findings, digestOf), () => grantLink(grant, story));
  const times = story.timesDecided.get(actionId) ?? 1;
  if (times > 1) findings.push(`the action was decided ${times} times (I7)`);
  if (decision.type === 'ActionPermitted') {
    links.push(...actionApproval(decision, story, findings, digestOf));
    findings.push(...deadIn(decision, grants, story));
  }
  links.push(() => decisionLink(decision));
  links.push(...outcomeLinks(decision, story, findings));
  return { links, findings };
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

function principalLink(root: Issued | undefined, story: Story, findings: string[]): LazyLink[] {
  const opened = root?.runId === undefined ? undefined : story.openings.get(root.runId);
  if (!opened || root?.data.parentId !== undefined) {
    findings.push('the opening of the root run is missing: no principal can be named');
    return [];
  }
  if (opened.event.data.parentRunId !== undefined)
    findings.push('the chain of grants ends at a run that another run made');
  const textFor = (key: string): string => textOf(opened.payload, key) ?? '(erased)';
  return [() => link('principal', opened.event, `${textFor('requestedBy')} asked for: ${textFor('purpose')}`)];
}

const decisionLink = (decision: EventOf<Decision>): Link =>
  link(
    'decision',
    decision,
    `${DECIDED[decision.type]}: ${decision.data.verb} on ${decision.data.resource.type} ${decision.data.resource.id}`,
  );

/** Root first. Each grant must have been issued before the event that rests on it, and to the parent of the run below. */
function grantChain(decision: EventOf<Decision>, story: Story, findings: string[]): Issued[] {
  const chain: Issued[] = [];
  let before: Event = decision;
  for (let id = decision.grantId; id !== undefined;) {
    const grant = story.issues.get(id)?.event;
    if (!grant) {
      findings.push(`grant ${id} is named but its issue is missing`);
      break;
    }
    // a grant precedes everything that rests on it, so a chain cannot contain a cycle
    if (grant.position >= before.position) {
      findings.push(`grant ${id} was issued after what rests on it`);
      break;
    }
    if (!restsOn(before, grant, story))
      findings.push(`grant ${id} is of another run than the one that what rests on it names`);
    const opened = story.openings.get(grant.runId ?? '')?.event;
    if (opened && opened.position >= grant.position)
      findings.push(`grant ${id} was issued before the run that holds it was opened`);
    chain.unshift(grant);
    before = grant;
    id = grant.data.parentId;
  }
  return chain;
}

/** A decision is made under a grant that its run holds; a child grant is issued by the run that holds its parent grant. */
function restsOn(upper: Event, grant: Issued, { openings }: Story): boolean {
  if (upper.type !== 'GrantIssued') return upper.runId === grant.runId;
  const opened = upper.runId === undefined ? undefined : openings.get(upper.runId);
  return opened?.event.data.parentRunId === grant.runId;
}

function grantLink(grant: Issued, story: Story): Link {
  const agent =
    (grant.runId === undefined ? undefined : story.openings.get(grant.runId))?.event.data.agent.class ?? grant.runId;
  const { actions, budget, time } = grant.data.limits;
  const what = grant.data.parentId === undefined ? 'root lease' : 'lease';
  const admits = `${actions.mode} ${leaseText(grant.data.limits)}; ${budget.calls} calls; until ${time.expiresAt}`;
  return { ...link('grant', grant, `${what} to ${agent}: ${admits}`), limits: grant.data.limits };
}

/** I8: an approval is requested for exactly this use, given by a person, in time, and used once. */
function approvalLinks(
  id: string,
  binding: string,
  user: Event,
  story: Story,
  findings: string[],
  digestOf: DigestOf,
): LazyLink[] {
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
  // an approval with less is bound to the limits that the person gave
  const { limits: less, scope, covers } = given.data;
  const bound = less === undefined ? asked.data.binding : digestOf({ runId: asked.runId, limits: less });
  const fits = scope === undefined ? bound === binding : isCovered(user, asked, scope, covers);
  if (!fits) findings.push(`approval ${id} was given for something else than what it was used for (I8)`);
  if (given.position <= asked.position || Date.parse(given.time) >= Date.parse(asked.data.expiresAt))
    findings.push(`approval ${id} was not given between its request and its expiry (I8)`);
  const first = story.approvalUses.get(id)?.[0]?.event;
  if (scope === undefined && first && first.position < user.position)
    findings.push(`approval ${id} had been used before (I8)`);
  if (given.data.usableUntil !== undefined && Date.parse(user.time) >= Date.parse(given.data.usableUntil))
    findings.push(`approval ${id} was used too late (I8)`);
  if (given.actor.kind === 'run' || given.actor.kind === 'system')
    findings.push(`approval ${id} was given by no person (I8)`);
  const withdrawn = story.withdrawn.get(id)?.event;
  if (withdrawn && withdrawn.position < user.position)
    findings.push(`approval ${id} was used after ${withdrawn.data.by} had withdrawn it (I8)`);
  const what = less === undefined ? 'approved' : 'approved with less than was asked for';
  const how = `${scope === undefined ? '' : ` for the ${scope}`}${given.data.breakGlass ? ', alone in an emergency' : ''}`;
  const before = (story.answeredInPart.get(id) ?? []).filter(({ event }) => event.position < given.position);
  return [
    ...before.map(({ event }) => () => {
      const { verdict, by, given: people, needed } = event.data;
      const answer = verdict === 'approve' ? 'approved' : 'denied';
      return link('approval', event, `${answer} by ${by}, ${people} of ${needed} people`);
    }),
    () => link('approval', given, `${what} by ${given.data.by}${how}`),
  ];
}

/** Reports whether an approval of more than one call covers a permit: the same run, verb and tool, and the resource. */
function isCovered(
  user: Event,
  asked: EventOf<'ApprovalRequested'>,
  scope: 'target' | 'run',
  covers: EventOf<'ApprovalGiven'>['data']['covers'],
): boolean {
  if (user.type !== 'ActionPermitted' || user.runId !== asked.runId || covers === undefined) return false;
  const { verb, tool, resource } = user.data;
  const isOn = scope === 'run' || resource.id === covers.resource.id;
  return verb === covers.verb && tool === covers.tool && resource.type === covers.resource.type && isOn;
}

function grantApproval(grant: Issued, story: Story, findings: string[], digestOf: DigestOf): LazyLink[] {
  const { approvalId, limits } = grant.data;
  return approvalId === undefined
    ? []
    : approvalLinks(approvalId, digestOf({ runId: grant.runId, limits }), grant, story, findings, digestOf);
}

function actionApproval(
  permit: EventOf<'ActionPermitted'>,
  story: Story,
  findings: string[],
  digestOf: DigestOf,
): LazyLink[] {
  const { approvalId } = permit.data;
  return approvalId === undefined
    ? []
    : approvalLinks(approvalId, digestOf(boundBy(permit)), permit, story, findings, digestOf);
}

/** Returns the value that an approval of this action must be bound to, recomputed without trusting the permit's own binding. */
function boundBy({ runId, data }: EventOf<'ActionPermitted'>): object {
  const { verb, tool = null, effect, effects, stated, resource, argsDigest = null, charge } = data;
  const { type, id, attributes = {} } = resource;
  const { cost, units } = charge;
  return {
    ...{ runId, verb, tool, effect, resource: { type, id, attributes }, argsDigest, cost },
    ...(effects === undefined ? {} : { effects }),
    ...(stated === undefined ? {} : { stated }),
    ...(units === undefined ? {} : { units }),
  };
}

/** I2: lists the parts of the chain that were not live when the action was permitted. */
function deadIn(permit: EventOf<'ActionPermitted'>, chain: readonly Issued[], story: Story): string[] {
  const found: string[] = [];
  const time = Date.parse(permit.time);
  for (const issued of chain) {
    const grant = standingIn(issued, permit.position, story);
    for (const why of [...endedBefore(grant, permit, story), ...suspendedBefore(grant, permit, story)])
      found.push(`it was permitted after ${why} (I2)`);
    const { notBefore, expiresAt } = timeAt(grant, permit.position, story);
    if (time >= Date.parse(expiresAt) || time < Date.parse(notBefore))
      found.push(`it was permitted outside the time of grant ${grant.grantId} (I2)`);
    found.push(...resurrections(grant, story), ...toolDenied(permit, grant, story));
  }
  return found;
}

/** Reports the use of a revoked tool, however its name or verb is spelled (I6). */
function toolDenied(permit: EventOf<'ActionPermitted'>, { runId = '' }: Issued, story: Story): string[] {
  const rule = story.rules.find(
    ({ event }) =>
      event.position < permit.position &&
      appliesTo(event, permit, story) &&
      meansCall(event, permit.data) &&
      ruleDeniesTool(event, runId, story),
  );
  return rule ? [`it was permitted after ${rule.event.data.revocationId} had revoked its tool (I6)`] : [];
}

const TERMINAL: readonly Event['type'][] = ['GrantRevoked', 'GrantExpired', 'GrantExhausted', 'RunCompleted'];

/** The end of a grant is final; a later resume does not undo it. */
function endedBefore(grant: Issued, user: Event, story: Story): string[] {
  const found: string[] = [];
  const end = story.stops
    .get(grant.grantId as string)
    ?.find(({ event }) => event.position < user.position && TERMINAL.includes(event.type));
  if (end) found.push(`${end.event.type} of grant ${grant.grantId}`);
  const opened = grant.runId === undefined ? undefined : story.openings.get(grant.runId);
  const rule = story.rules.find(
    ({ event }) =>
      event.position < user.position && opened !== undefined && ruleStrikesGrant(event, grant, opened, story),
  );
  if (rule) found.push(`${rule.event.data.revocationId} had revoked grant ${grant.grantId}`);
  return found;
}

function suspendedBefore(grant: Issued, permit: Event, story: Story): string[] {
  const { position } = permit;
  const held = story.stops
    .get(grant.grantId as string)
    ?.findLast(({ event }) => event.position < position && !TERMINAL.includes(event.type));
  const opened = story.openings.get(grant.runId ?? '');
  const limits = limitsAt(grant, position, story);
  const rule = story.rules.find(
    ({ event }) =>
      event.position < position &&
      opened !== undefined &&
      appliesTo(event, permit, story) &&
      ruleSuspendsGrant(event, grant, opened, story, limits),
  );
  return [
    ...(held?.event.type === 'GrantSuspended' ? [`GrantSuspended of grant ${grant.grantId}`] : []),
    ...(rule ? [`${rule.event.data.revocationId} had suspended grant ${grant.grantId}`] : []),
  ];
}

/** A raised lease may only replace a live one; an ended lease is never revived. */
function resurrections(grant: Issued, story: Story): string[] {
  const old = grant.data.supersedes === undefined ? undefined : story.issues.get(grant.data.supersedes)?.event;
  if (!old || old.position >= grant.position) return [];
  const late = Date.parse(grant.time) >= Date.parse(timeAt(old, grant.position, story).expiresAt);
  const why = late ? [...endedBefore(old, grant, story), 'its time was over'] : endedBefore(old, grant, story);
  return [
    ...why.map((each) => `grant ${grant.grantId} took the place of one that had ended: ${each} (I2)`),
    ...resurrections(old, story),
  ];
}

/** Returns the grant in force at a position: a raised lease supersedes the old one. */
function standingIn(grant: Issued, position: number, { superseded, issues }: Story): Issued {
  let current = grant;
  for (;;) {
    const by = superseded.get(current.grantId as string)?.event;
    const next = by && by.position < position ? issues.get(by.data.by)?.event : undefined;
    if (!next || next.position <= current.position || next.data.supersedes !== current.grantId) return current;
    current = next;
  }
}

function outcomeLinks(decision: EventOf<Decision>, story: Story, findings: string[]): LazyLink[] {
  const outcomes = (story.outcomes.get(decision.actionId as string) ?? []).map(({ event }) => event);
  if (outcomes.length > 1) findings.push(`the action has ${outcomes.length} outcomes (I7)`);
  if (decision.type !== 'ActionPermitted' && outcomes.length > 0)
    findings.push('the action was not permitted and has an outcome (I7)');
  if (decision.type === 'ActionPermitted' && outcomes.length === 0) findings.push(OPEN);
  if (outcomes.some((event) => event.position <= decision.position || event.runId !== decision.runId))
    findings.push('an outcome does not follow its decision (I7)');
  const late = (story.late.get(decision.actionId as string) ?? []).map(({ event }) => event);
  const [gaveUp] = outcomes;
  if (late.length > 1) findings.push(`the action has ${late.length} late reports (I7)`);
  for (const event of late)
    if (gaveUp?.type !== 'ActionAbandoned' || event.position <= gaveUp.position || event.runId !== decision.runId)
      findings.push('a late report does not follow an action that had been given up (I7)');
  return [
    ...outcomes.map((event) => () => link('outcome', event, event.type.slice('Action'.length).toLowerCase())),
    ...late.map(
      (event) => () => link('outcome', event, `${event.data.status}, reported late: after it had been given up`),
    ),
  ];
}
