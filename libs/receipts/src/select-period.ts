import type { Period } from '@bailiwick/contracts/receipts/receipt';
import { endOf } from './ending';
import { follows, precedes } from './period';
import { eventsOfReceipt, OF_CHILDREN } from './select';
import { readStory, type Story, type StoryEntry } from './story';

/**
 * Selects the events of a receipt about a period of a run: those of its receipt that are in the period and, of the
 * earlier ones, those that the period rests on. These are the leases of the run and above it, the approvals behind
 * them, what was in flight when the period started, and the permit of an action that is reported late in it.
 * @param story events of the log, as for the receipt of the run. Of those before the period, renewals may be limited to
 * the last one of each lease before the period and before each earlier permit that is in flight
 */
export function eventsOfPeriod(runId: string, story: Story, period: Period): StoryEntry[] {
  const until = readStory(
    story.entries.filter(({ event }) => !follows(event, period)),
    period,
  );
  // a revocation may be recorded after the run has ended
  const changed = new Set(
    until.entries.flatMap(({ event }) =>
      OF_CHILDREN.includes(event.type) && !precedes(event, period) ? [event.runId] : [],
    ),
  );
  const isPart = (child: string): boolean => {
    const end = endOf(child, until);
    return end === null || !precedes({ time: end.at }, period) || changed.has(child);
  };
  const all = eventsOfReceipt(runId, until, isPart);
  const actions = earlierActions(runId, until, period);
  const approvals = approvalsBehind(all, actions, until, period);
  const renewals = lastRenewals(actions, until, period);
  return all.filter(({ event }) => {
    if (!precedes(event, period)) return true;
    switch (event.type) {
      case 'RunOpened':
      case 'GrantIssued':
      case 'GrantSuperseded':
      case 'GrantNarrowed':
      case 'GrantSuspended':
      case 'GrantResumed':
      case 'GrantRevoked':
      case 'GrantExpired':
      case 'GrantExhausted':
      case 'RunCompleted':
      case 'RevocationRuleAdded':
      case 'SuspensionLifted':
        return true;
      case 'GrantRenewed':
        return renewals.has(event.position);
      case 'ApprovalRequested':
      case 'ApprovalAnswered':
      case 'ApprovalGiven':
      case 'ApprovalWithdrawn':
      case 'ApprovalExpired':
        return approvals.has(event.data.approvalId);
      default:
        return actions.has(event.actionId ?? '');
    }
  });
}

/** Maps each action that was permitted before the period and is part of it to the position of its permit. */
function earlierActions(runId: string, story: Story, period: Period): Map<string, number> {
  const found = new Map<string, number>();
  for (const [actionId, { event }] of story.decisions) {
    if (event.type !== 'ActionPermitted' || event.runId !== runId || !precedes(event, period)) continue;
    const outcome = story.outcomes.get(actionId)?.[0];
    const late = story.late.get(actionId)?.some((each) => !precedes(each.event, period)) === true;
    if (late || !outcome || !precedes(outcome.event, period)) found.set(actionId, event.position);
  }
  return found;
}

/** Returns the approvals that leases and actions rest on, and those that were pending when the period started. */
function approvalsBehind(
  all: readonly StoryEntry[],
  actions: ReadonlyMap<string, number>,
  { answered }: Story,
  period: Period,
): Set<string> {
  const found = new Set<string>();
  for (const { event } of all) {
    if (event.type === 'ApprovalRequested') {
      const answer = answered.get(event.data.approvalId);
      if (!answer || !precedes(answer.event, period)) found.add(event.data.approvalId);
    } else if (event.type === 'GrantIssued' || event.type === 'ActionPermitted') {
      const rests = event.type === 'GrantIssued' || !precedes(event, period) || actions.has(event.actionId as string);
      if (rests && event.data.approvalId !== undefined) found.add(event.data.approvalId);
    }
  }
  return found;
}

/** Returns the positions of the last renewal of each lease before the period, and before each of the actions. */
function lastRenewals(actions: ReadonlyMap<string, number>, { changes }: Story, period: Period): Set<number> {
  const found = new Set<number>();
  for (const entries of changes.values()) {
    const renewals = entries.flatMap(({ event }) =>
      event.type === 'GrantRenewed' && precedes(event, period) ? [event.position] : [],
    );
    for (const before of [Infinity, ...actions.values()]) {
      const last = renewals.findLast((position) => position < before);
      if (last !== undefined) found.add(last);
    }
  }
  return found;
}
