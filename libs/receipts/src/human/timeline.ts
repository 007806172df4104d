import { parseEvent, type DecidedAction, type Event, type EventOf } from '@bailiwick/contracts/events/event';
import { obligationText } from '@bailiwick/contracts/obligations/obligation-text';
import { leaseText } from '../lease-text';
import type { ReceiptEvent } from '@bailiwick/contracts/receipts/receipt';
import { named, type PersonNames } from '@bailiwick/contracts/people/person-names';
import { marked } from '@bailiwick/core/look-alike';

/**
 * Formats one row per event: position, time, actor, description.
 * @param own the run that the receipt is about; rows of other runs name their run
 * @param names the names of people
 */
export function timelineOf(
  events: readonly ReceiptEvent[],
  own: string | undefined,
  names: PersonNames = {},
): string[][] {
  const classes = classesOf(events);
  const decided = new Map<string, string>();
  return events.map(({ position, body }) => {
    const event = named(readEvent(body), names);
    if (!event) return [String(position), '', '', 'an unreadable event'];
    const { actionId, runId } = event;
    const sentence = sentenceOf(event, actionId === undefined ? undefined : decided.get(actionId));
    if (event.type === 'ActionPermitted' && actionId !== undefined)
      decided.set(actionId, `${event.data.verb}, as permitted at position ${position}`);
    const other = runId !== undefined && runId !== own && !sentence.includes(runId);
    return [
      String(position),
      event.time,
      event.actor.id,
      other ? `${classes.get(runId) ?? 'run'} ${runId}: ${sentence}` : sentence,
    ];
  });
}

/** Maps each run whose opening is in the receipt to its agent class. */
export function classesOf(events: readonly ReceiptEvent[]): Map<string, string> {
  const classes = new Map<string, string>();
  for (const { body } of events) {
    const event = readEvent(body);
    if (event?.type === 'RunOpened' && event.runId !== undefined) classes.set(event.runId, event.data.agent.class);
  }
  return classes;
}

/** Returns undefined for an unreadable event: a receipt that does not verify is shown, too. */
function readEvent(body: string): Event | undefined {
  try {
    return parseEvent(body);
  } catch {
    return undefined;
  }
}

const reasonText = ({ code, says }: { code: string; says?: string | undefined }): string => says ?? code;

/** Formats counts of refusals by verb or command and by code. */
export const countedText = (
  refused: readonly { command: string; verb?: string | undefined; code: string; count: number }[],
): string => refused.map(({ command, verb, code, count }) => `${verb ?? command} ${code} ${count}`).join(', ');

const deniedBy = ({ tool, verb }: EventOf<'RevocationRuleAdded'>['data']['selector']): string =>
  verb === undefined ? `the tool ${tool}` : `the verbs ${verb}`;

const suspensionText = ({
  revocationId,
  selector,
  target,
  until,
  reason,
}: EventOf<'RevocationRuleAdded'>['data']): string => {
  const what = target === 'tool' ? `${deniedBy(selector)} for all runs` : 'all grants';
  const end = until === undefined ? '' : ` until ${until}`;
  return `rule ${revocationId} suspended ${what} it selects${end}: ${reasonText(reason)}`;
};

const mustText = ({ obligations = [] }: DecidedAction): string =>
  obligations.length === 0 ? '' : `; the enforcement point must ${marked(obligations.map(obligationText).join(', '))}`;

/** Describes an action, with the call of another run that a service acts for. */
const calledText = ({ verb, resource: { type, id }, calledBy }: DecidedAction): string =>
  `${verb} on ${type} ${id}${calledBy ? `, for the call ${calledBy.actionId} of run ${calledBy.runId}` : ''}`;

/**
 * Describes an event in one sentence.
 * @param action for an outcome: the description of its action, if known
 */
export function sentenceOf(event: Event, action?: string): string {
  switch (event.type) {
    case 'RunOpened':
      return `run ${event.runId} of ${marked(event.data.agent.class)} opened`;
    case 'GrantIssued':
      return `lease ${event.grantId} issued to run ${event.runId}: ${leaseText(event.data.limits)}`;
    case 'DelegationRefused':
      return `delegation to ${marked(event.data.agentClass)} refused: ${event.data.detail}`;
    case 'ApprovalRequested':
      return `approval requested (${event.data.kind})`;
    case 'ApprovalGiven':
      return `approval answered: ${event.data.verdict}${event.data.breakGlass ? ', by one person in an emergency' : ''}`;
    case 'ApprovalAnswered':
      return `approval answered by ${event.data.given} of ${event.data.needed} people: ${event.data.verdict}`;
    case 'ApprovalWithdrawn':
      return `approval ${event.data.approvalId} withdrawn`;
    case 'ApprovalExpired':
      return event.data.replacedBy === undefined
        ? 'approval request expired without an answer'
        : `approval request replaced by ${event.data.replacedBy}`;
    case 'ActionPermitted':
      return `permitted: ${calledText(event.data)}${mustText(event.data)}`;
    case 'ActionDenied':
      return `denied: ${calledText(event.data)}`;
    case 'ActionStepUp':
      return `stepped up: ${calledText(event.data)}`;
    case 'ActionCompleted':
    case 'ActionFailed':
    case 'ActionAbandoned':
      return `${event.type.slice('Action'.length).toLowerCase()}: ${action ?? event.actionId}`;
    case 'ActionCalled':
      return `the called service was permitted ${event.data.called.actionId} under its own lease`;
    case 'OutcomeReportedLate':
      return `${event.data.status}, reported late: ${action ?? event.actionId}`;
    case 'DriftScored':
      return `drift scored ${event.data.score}`;
    case 'GrantSuspended':
      return `suspended: ${reasonText(event.data.reason)}`;
    case 'GrantResumed':
      return `resumed: ${reasonText(event.data.reason)}`;
    case 'GrantRenewed':
      return `lease ${event.grantId} renewed until ${event.data.until}`;
    case 'GrantNarrowed':
      return `lease ${event.grantId} narrowed: ${reasonText(event.data.reason)}`;
    case 'GrantSuperseded':
      return `lease ${event.grantId} replaced by ${event.data.by}`;
    case 'GrantRevoked':
    case 'GrantExpired':
    case 'GrantExhausted':
      return `lease ${event.grantId} ended, ${event.type.slice('Grant'.length).toLowerCase()}: ${reasonText(event.data.reason)}`;
    case 'RunCompleted':
      return `run ${event.runId} completed: ${reasonText(event.data.reason)}`;
    case 'SuspensionLifted':
      return `suspension ${event.data.revocationId} ended: ${reasonText(event.data.reason)}`;
    case 'RevocationRuleAdded':
      if (event.data.mode === 'suspend') return suspensionText(event.data);
      if (event.data.target === 'tool')
        return `rule ${event.data.revocationId} denied ${deniedBy(event.data.selector)} to all runs it selects: ${reasonText(event.data.reason)}`;
      return `rule ${event.data.revocationId} revoked all grants it selects: ${reasonText(event.data.reason)}`;
    case 'PayloadsErased':
      return `payloads of ${event.data.payloads} events before position ${event.data.before} erased`;
    case 'HistoryImported':
      return `the ${event.data.size} preceding events imported from ${event.data.origin}`;
    case 'Refused':
      return `${event.data.command} refused: ${event.data.detail}`;
    case 'RefusalsSummarized':
      return `${event.data.total} further refusals since ${event.data.since}: ${countedText(event.data.refused)}`;
    default:
      return event.type;
  }
}
