import { parseEvent, type Event } from '@bailiwick/contracts/event';
import type { ReceiptEvent } from '@bailiwick/contracts/receipt';
import { marked } from '@bailiwick/core/look-alike';

/**
 * One row an event: position, time, by whom, what.
 * @param own the run that all is about: of any other it is said which
 */
export function timelineOf(events: readonly ReceiptEvent[], own: string | undefined): string[][] {
  const classes = classesOf(events);
  const decided = new Map<string, string>();
  return events.map(({ position, body }) => {
    const event = readEvent(body);
    if (!event) return [String(position), '', '', 'an event of no known form'];
    const { actionId, runId } = event;
    const said = sentenceOf(event, actionId === undefined ? undefined : decided.get(actionId));
    if (event.type === 'ActionPermitted' && actionId !== undefined)
      decided.set(actionId, `${event.data.verb}, as permitted at position ${position}`);
    const other = runId !== undefined && runId !== own && !said.includes(runId);
    return [
      String(position),
      event.time,
      event.actor.id,
      other ? `${classes.get(runId) ?? 'run'} ${runId}: ${said}` : said,
    ];
  });
}

/** The agent class of each run whose opening is told. */
export function classesOf(events: readonly ReceiptEvent[]): Map<string, string> {
  const classes = new Map<string, string>();
  for (const { body } of events) {
    const event = readEvent(body);
    if (event?.type === 'RunOpened' && event.runId !== undefined) classes.set(event.runId, event.data.agent.class);
  }
  return classes;
}

/** A receipt that does not verify is shown, too. */
function readEvent(body: string): Event | undefined {
  try {
    return parseEvent(body);
  } catch {
    return undefined;
  }
}

const reasonText = ({ code, says }: { code: string; says?: string | undefined }): string => says ?? code;

/** Counts of refusals, by verb or command and by code. */
export const countedText = (
  refused: readonly { command: string; verb?: string | undefined; code: string; count: number }[],
): string => refused.map(({ command, verb, code, count }) => `${verb ?? command} ${code} ${count}`).join(', ');

/**
 * What an event says, in words.
 * @param action of an outcome: what it is the outcome of, where that is known
 */
export function sentenceOf(event: Event, action?: string): string {
  switch (event.type) {
    case 'RunOpened':
      return `run ${event.runId} of ${marked(event.data.agent.class)} opened`;
    case 'GrantIssued':
      return `lease ${event.grantId} issued to run ${event.runId}: ${event.data.limits.actions.allow.join(', ') || 'nothing'}`;
    case 'DelegationRefused':
      return `delegation to ${marked(event.data.agentClass)} refused: ${event.data.detail}`;
    case 'ApprovalRequested':
      return `a person is asked (${event.data.kind})`;
    case 'ApprovalGiven':
      return `a person answers: ${event.data.verdict}`;
    case 'ApprovalExpired':
      return event.data.replacedBy === undefined
        ? 'nobody answered in time'
        : `another question took its place (${event.data.replacedBy})`;
    case 'ActionPermitted':
      return `permitted: ${event.data.verb} on ${event.data.resource.type} ${event.data.resource.id}`;
    case 'ActionDenied':
      return `denied: ${event.data.verb} on ${event.data.resource.type} ${event.data.resource.id}`;
    case 'ActionStepUp':
      return `asked about: ${event.data.verb} on ${event.data.resource.type} ${event.data.resource.id}`;
    case 'ActionCompleted':
    case 'ActionFailed':
    case 'ActionAbandoned':
      return `${event.type.slice('Action'.length).toLowerCase()}: ${action ?? event.actionId}`;
    case 'OutcomeReportedLate':
      return `${event.data.status}, reported late: ${action ?? event.actionId}`;
    case 'DriftScored':
      return `drift scored ${event.data.score}`;
    case 'GrantSuspended':
      return `stopped: ${reasonText(event.data.reason)}`;
    case 'GrantResumed':
      return `let go on: ${reasonText(event.data.reason)}`;
    case 'GrantSuperseded':
      return `lease ${event.grantId} replaced by ${event.data.by}`;
    case 'GrantRevoked':
    case 'GrantExpired':
    case 'GrantExhausted':
      return `lease ${event.grantId} ended, ${event.type.slice('Grant'.length).toLowerCase()}: ${reasonText(event.data.reason)}`;
    case 'RunCompleted':
      return `run ${event.runId} completed: ${reasonText(event.data.reason)}`;
    case 'RevocationRuleAdded':
      if (event.data.target === 'tool')
        return `rule ${event.data.revocationId} denied the tool ${event.data.selector.tool} to whatever it selects: ${reasonText(event.data.reason)}`;
      return `rule ${event.data.revocationId} revoked whatever it selects: ${reasonText(event.data.reason)}`;
    case 'PayloadsErased':
      return `words beside ${event.data.payloads} events before position ${event.data.before} erased`;
    case 'HistoryImported':
      return `the ${event.data.size} events before it were imported from ${event.data.origin}`;
    case 'Refused':
      return `${event.data.command} refused: ${event.data.detail}`;
    case 'RefusalsSummarized':
      return `refused ${event.data.total} times more since ${event.data.since}: ${countedText(event.data.refused)}`;
    default:
      return event.type;
  }
}
