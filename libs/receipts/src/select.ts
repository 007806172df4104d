import type { EventType } from '@bailiwick/contracts/event';
import { endOf } from './ending';
import { lineOf, type Story, type StoryEntry } from './story';
import { ruleDeniesTool, ruleStrikesRun } from './strikes';

/** Of the runs above, what made, changed and ended their leases; not what they did. */
export const OF_ANCESTORS: readonly EventType[] = [
  'RunOpened',
  'GrantIssued',
  'GrantSuperseded',
  'ApprovalRequested',
  'ApprovalGiven',
  'ApprovalExpired',
  'GrantSuspended',
  'GrantResumed',
  'GrantRevoked',
  'GrantExpired',
  'GrantExhausted',
  'RunCompleted',
];
/** Of the runs it made, that they were made, with which lease, and how they ended; each has a receipt of its own. */
export const OF_CHILDREN: readonly EventType[] = [
  'RunOpened',
  'GrantIssued',
  'GrantSuperseded',
  'GrantRevoked',
  'GrantExpired',
  'GrantExhausted',
  'RunCompleted',
];

/**
 * Which events belong in a run's receipt: its own; of the runs above it and the rules, what bears on its leases up to
 * its end (so that the receipt of a run that has ended does not change with what happens above it later); of its
 * children, how they began and ended.
 * @param story events of the log, of at least these runs, and all its revocation rules
 */
export function eventsOfReceipt(runId: string, story: Story): StoryEntry[] {
  const line = lineOf(runId, story).map(({ event }) => event.runId as string);
  const above = new Set(line.slice(1));
  const until = endOf(runId, story)?.position ?? Infinity;
  /** run → where what struck it counts no more, since it had ended */
  const struck = new Map(line.map((id) => [id, until]));
  const children = new Set<string>();
  for (const [id, { event }] of story.openings) {
    if (event.data.parentRunId !== runId) continue;
    children.add(id);
    struck.set(id, endOf(id, story)?.position ?? Infinity);
  }
  return story.entries.filter(({ event }) => {
    if (event.runId === runId) return true;
    if (event.type === 'RevocationRuleAdded') {
      return [...struck].some(
        ([id, before]) =>
          event.position <= before && (ruleStrikesRun(event, id, story) || ruleDeniesTool(event, id, story)),
      );
    }
    if (event.runId === undefined) return false;
    // approvals of single actions belong to the run that asked for them
    if (above.has(event.runId))
      return event.position <= until && event.actionId === undefined && OF_ANCESTORS.includes(event.type);
    return children.has(event.runId) && OF_CHILDREN.includes(event.type);
  });
}
