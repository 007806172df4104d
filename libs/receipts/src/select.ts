import type { Event, EventOf, EventType } from '@bailiwick/contracts/events/event';
import { endOf } from './ending';
import { lineOf, type Story, type StoryEntry } from './story';
import { ruleDeniesTool, ruleStrikesRun, ruleSuspendsRun } from './strikes';

/** Events of ancestor runs that belong in a receipt: those that create, change or end leases, not their actions. */
export const OF_ANCESTORS: readonly EventType[] = [
  'RunOpened',
  'GrantIssued',
  'GrantRenewed',
  'GrantNarrowed',
  'GrantSuperseded',
  'ApprovalRequested',
  'ApprovalAnswered',
  'ApprovalGiven',
  'ApprovalWithdrawn',
  'ApprovalExpired',
  'GrantSuspended',
  'GrantResumed',
  'GrantRevoked',
  'GrantExpired',
  'GrantExhausted',
  'RunCompleted',
];
/** Events of child runs that belong in a receipt: their opening, their leases and their end. Each child has a separate receipt. */
export const OF_CHILDREN: readonly EventType[] = [
  'RunOpened',
  'GrantIssued',
  'GrantSuperseded',
  'GrantRevoked',
  'GrantExpired',
  'GrantExhausted',
  'RunCompleted',
];

/** Reports whether an event is about the request for the first lease of a run, which a person must approve. */
function isAboutFirstLease(event: Event, { asked }: Story): boolean {
  switch (event.type) {
    case 'ApprovalRequested':
    case 'ApprovalAnswered':
    case 'ApprovalGiven':
    case 'ApprovalWithdrawn':
    case 'ApprovalExpired':
      return asked.get(event.data.approvalId)?.event.data.kind === 'grant';
    default:
      return false;
  }
}

/** Reports whether an event lifts a suspension that is part of a receipt. */
export function isLiftOf(
  { data: { revocationId } }: EventOf<'SuspensionLifted'>,
  isAbout: (rule: EventOf<'RevocationRuleAdded'>) => boolean,
  { rules }: Story,
): boolean {
  return rules.some(({ event }) => event.data.revocationId === revocationId && isAbout(event));
}

const everyChild: (childId: string) => boolean = () => true;

/**
 * Selects the events of a run's receipt: its own events; events of ancestors and rules that affect its leases, up to its
 * end (so that later events above it do not change the receipt of an ended run); and the start and end of its children.
 * @param story events of the log: at least those of these runs, and all revocation rules
 * @param hasChild whether the events of a child belong in the receipt
 */
export function eventsOfReceipt(runId: string, story: Story, hasChild = everyChild): StoryEntry[] {
  const line = lineOf(runId, story).map(({ event }) => event.runId as string);
  const above = new Set(line.slice(1));
  const until = endOf(runId, story)?.position ?? Infinity;
  /** run → position of its end; rules after it have no effect on the run */
  const struck = new Map(line.map((id) => [id, until]));
  const children = new Set<string>();
  for (const [id, { event }] of story.openings) {
    if (event.data.parentRunId !== runId || !hasChild(id)) continue;
    children.add(id);
    struck.set(id, endOf(id, story)?.position ?? Infinity);
  }
  const isAbout = (rule: EventOf<'RevocationRuleAdded'>): boolean =>
    [...struck].some(
      ([id, before]) => rule.position <= before && (ruleStrikesRun(rule, id, story) || ruleDeniesTool(rule, id, story)),
    ) ||
    (rule.position <= until && line.some((id) => ruleSuspendsRun(rule, id, story)));
  return story.entries.filter(({ event }) => {
    if (event.runId === runId) return true;
    if (event.type === 'RevocationRuleAdded') return isAbout(event);
    if (event.type === 'SuspensionLifted') return event.position <= until && isLiftOf(event, isAbout, story);
    if (event.runId === undefined) return false;
    // an approval of a single action belongs to the run that requested it
    if (above.has(event.runId))
      return event.position <= until && event.actionId === undefined && OF_ANCESTORS.includes(event.type);
    return children.has(event.runId) && (OF_CHILDREN.includes(event.type) || isAboutFirstLease(event, story));
  });
}
