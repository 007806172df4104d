import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { ActionPredicate } from '@bailiwick/contracts/receipts/receipt';
import { absentIn } from './absent';
import { importedIn, importedNotProved } from './imported';
import { chainOfCustody, type DigestOf } from './chain';
import { isLiftOf, OF_ANCESTORS } from './select';
import { lineOf, type Story, type StoryEntry } from './story';
import { ruleDeniesTool, ruleStrikesRun, ruleSuspendsRun } from './strikes';
import { actionsOf, deniedOf, DOES_NOT_PROVE, firstText, runPart, statedBy } from './summary';

/**
 * Selects the events of an action's receipt: the decision, its outcome, the approval that it uses and other uses of that
 * approval, and the earlier events about the leases above it.
 * @param story the events of the receipt of its run
 */
export function eventsOfAction(actionId: string, story: Story): StoryEntry[] {
  const decision = story.decisions.get(actionId)?.event;
  if (!decision) return [];
  const line = new Set(lineOf(decision.runId as string, story).map(({ event }) => event.runId as string));
  const { approvalId } = decision.data;
  const isBefore = (event: Event): boolean => event.position < decision.position;
  const isAbout = (rule: EventOf<'RevocationRuleAdded'>): boolean =>
    isBefore(rule) &&
    [...line].some(
      (runId) =>
        ruleStrikesRun(rule, runId, story) || ruleSuspendsRun(rule, runId, story) || ruleDeniesTool(rule, runId, story),
    );
  return story.entries.filter(({ event }) => {
    if (event.actionId === actionId) return true;
    if (approvalId !== undefined && (event.data as { approvalId?: string }).approvalId === approvalId) return true;
    if (event.type === 'RevocationRuleAdded') return isAbout(event);
    if (event.type === 'SuspensionLifted') return isBefore(event) && isLiftOf(event, isAbout, story);
    return (
      event.runId !== undefined &&
      line.has(event.runId) &&
      event.actionId === undefined &&
      isBefore(event) &&
      OF_ANCESTORS.includes(event.type)
    );
  });
}

/** Summarizes an action from its events. @throws Error if its decision or the opening of its run is missing */
export function summariseAction(actionId: string, story: Story, digestOf: DigestOf): ActionPredicate {
  const decided = story.decisions.get(actionId);
  const opened = story.openings.get(decided?.event.runId ?? '');
  if (!decided || !opened)
    throw new Error(`the events do not contain the decision on ${actionId} and the opening of its run`);
  const { event } = decided;
  const line = lineOf(event.runId as string, story);
  const mine = story.entries.filter((each) => each.event.actionId === actionId);
  return {
    run: runPart(opened.event),
    agent: opened.event.data.agent,
    purpose: firstText(line, 'purpose'),
    requestedBy: firstText(line, 'requestedBy'),
    ...statedBy(line),
    principalRef: opened.event.data.principalRef,
    action: actionsOf(mine)[0] ?? null,
    denied: event.type === 'ActionPermitted' ? null : deniedOf(event),
    custody: chainOfCustody(actionId, story, digestOf),
    absent: absentIn(story),
    ...importedIn(story),
    doesNotProve: [...DOES_NOT_PROVE, ...importedNotProved(story)],
  };
}
