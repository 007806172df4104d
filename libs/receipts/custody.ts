import type { Event, EventOf } from '#contracts/event';
import type { Custody } from '#contracts/receipt';
import type { Told } from './summary';

/**
 * On whose authority an action was done: principal → approval → root grant → … → leaf grant → decision → outcome
 * (I7). A link that is missing or contradicts another is a finding, not hidden.
 * @param told the events of the action, its run, and the runs and grants above it
 */
export function custodyOf(actionId: string, told: readonly Told[]): Custody {
  const findings: string[] = [];
  const decision = told.map((each) => each.event).find((event) => event.actionId === actionId && (event.type === 'ActionPermitted' || event.type === 'ActionDenied' || event.type === 'ActionStepUp')) as
    | EventOf<'ActionPermitted'>
    | EventOf<'ActionDenied'>
    | EventOf<'ActionStepUp'>
    | undefined;
  if (!decision) return { actionId, links: [], findings: [`no decision on ${actionId} is in the log`] };
  const grants = grantChain(decision, told, findings);
  const links: Custody['links'] = [];
  const root = grants[0];
  const opened = root && told.find((each) => each.event.type === 'RunOpened' && each.event.runId === root.runId);
  if (opened) links.push(link('principal', opened.event, `${said(opened.payload, 'requestedBy')} asked for: ${said(opened.payload, 'purpose')}`));
  else findings.push('the opening of the root run is missing: no principal can be named');
  for (const grant of grants) links.push(...approvalLinks(grant.data.approvalId, told, findings), grantLink(grant, told));
  if (decision.type === 'ActionPermitted') links.push(...approvalLinks(decision.data.approvalId, told, findings));
  links.push(link('decision', decision, `${DECIDED[decision.type]}: ${decision.data.verb} on ${decision.data.resource.type} ${decision.data.resource.id}`));
  links.push(...outcomeLinks(decision, told, findings));
  return { actionId, links, findings };
}

const DECIDED = { ActionPermitted: 'permitted', ActionDenied: 'denied', ActionStepUp: 'a person was asked' } as const;
const said = (payload: Record<string, unknown> | null, key: string): string => (typeof payload?.[key] === 'string' ? payload[key] : '(erased)');

function link(kind: Custody['links'][number]['link'], event: Event, says: string): Custody['links'][number] {
  return { link: kind, says, position: event.position, time: event.time, type: event.type, actor: event.actor, ...(event.grantId === undefined ? {} : { grantId: event.grantId }) };
}

/** Root first. Each grant must have been issued before what rests on it. */
function grantChain(decision: Event, told: readonly Told[], findings: string[]): EventOf<'GrantIssued'>[] {
  const issued = new Map(told.flatMap(({ event }) => (event.type === 'GrantIssued' ? [[event.grantId as string, event] as const] : [])));
  const chain: EventOf<'GrantIssued'>[] = [];
  let before = decision.position;
  for (let id = decision.grantId; id !== undefined; ) {
    const grant = issued.get(id);
    if (!grant) {
      findings.push(`grant ${id} is named but its issue is missing`);
      break;
    }
    if (grant.position >= before) findings.push(`grant ${id} was issued after what rests on it`);
    if (chain.includes(grant)) {
      findings.push(`grant ${id} stands above itself`);
      break;
    }
    chain.unshift(grant);
    before = Math.min(before, grant.position);
    id = grant.data.parentId;
    // a parent that was raised after this child was made stands in the place of the one the child was made from
  }
  return chain;
}

function grantLink(grant: EventOf<'GrantIssued'>, told: readonly Told[]): Custody['links'][number] {
  const opened = told.find((each) => each.event.type === 'RunOpened' && each.event.runId === grant.runId);
  const agent = opened?.event.type === 'RunOpened' ? opened.event.data.agent.class : grant.runId;
  const { actions, budget } = grant.data.limits;
  return link('grant', grant, `${grant.data.parentId === undefined ? 'root lease' : 'lease'} to ${agent}: ${actions.mode} ${actions.allow.join(', ')}; ${budget.calls} calls; until ${grant.data.limits.time.expiresAt}`);
}

function approvalLinks(approvalId: string | undefined, told: readonly Told[], findings: string[]): Custody['links'] {
  if (approvalId === undefined) return [];
  const given = told.find(({ event }) => event.type === 'ApprovalGiven' && event.data.approvalId === approvalId);
  if (!given || given.event.type !== 'ApprovalGiven' || given.event.data.verdict !== 'approve') {
    findings.push(`approval ${approvalId} is named but was not given`);
    return [];
  }
  return [link('approval', given.event, `approved by ${given.event.data.by}`)];
}

function outcomeLinks(decision: Event, told: readonly Told[], findings: string[]): Custody['links'] {
  const outcomes = told.map((each) => each.event).filter((event) => event.actionId === decision.actionId && /^Action(Completed|Failed|Abandoned)$/.test(event.type));
  if (outcomes.length > 1) findings.push(`the action has ${outcomes.length} outcomes`);
  if (decision.type !== 'ActionPermitted' && outcomes.length > 0) findings.push('the action was not permitted and has an outcome');
  if (decision.type === 'ActionPermitted' && outcomes.length === 0) findings.push('the action has no outcome yet');
  return outcomes.map((event) => link('outcome', event, event.type.slice('Action'.length).toLowerCase()));
}
