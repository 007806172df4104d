import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import { nameKey } from '@bailiwick/core/look-alike';
import { matchesVerb } from './lease-verbs';
import { isSelected } from './selected';
import type { Story, StoryEntry } from './story';

// Shares no code with the rules that decide (`libs/authority`), so that verifying a receipt also checks those rules.

type Rule = EventOf<'RevocationRuleAdded'>;
type Opened = StoryEntry<'RunOpened'>;

/** Reports whether a rule strikes a lease of this run, or the lease that the run is waiting for (I6). */
export function ruleStrikesRun(rule: Rule, runId: string, story: Story): boolean {
  const opened = story.openings.get(runId);
  if (!opened) return false;
  const leases = story.leases.get(runId);
  if (leases) return leases.some(({ event }) => ruleStrikesGrant(rule, event, opened, story));
  return [...story.asked.values()].some(({ event: { runId: asks, data } }) => {
    const answered = story.answered.get(data.approvalId)?.event.position ?? Infinity;
    const waited = asks === runId && data.kind === 'grant' && rule.position < answered;
    return waited && data.limits !== undefined && strikes(rule, opened, data.limits, undefined);
  });
}

export const ruleStrikesGrant = (rule: Rule, grant: EventOf<'GrantIssued'>, opened: Opened, story: Story): boolean =>
  strikes(rule, opened, grant.data.limits, approverOf(grant, story));

/** Reports whether a rule suspends a lease of this run while it applies. */
export function ruleSuspendsRun(rule: Rule, runId: string, story: Story): boolean {
  const opened = story.openings.get(runId);
  const leases = story.leases.get(runId) ?? [];
  return opened !== undefined && leases.some(({ event }) => ruleSuspendsGrant(rule, event, opened, story));
}

/** @param limits of the lease at that time, if it was narrowed */
export const ruleSuspendsGrant = (
  rule: Rule,
  grant: EventOf<'GrantIssued'>,
  opened: Opened,
  story: Story,
  limits = grant.data.limits,
): boolean => rule.data.mode === 'suspend' && means(rule, opened, limits, approverOf(grant, story));

/** Reports whether a rule applies when an event happens: a revocation for good, a suspension until it ends. */
export function appliesTo({ data: { mode, until, revocationId } }: Rule, event: Event, { lifts }: Story): boolean {
  if (mode !== 'suspend') return true;
  const lifted = lifts.get(revocationId);
  return (
    (lifted === undefined || lifted.event.position > event.position) &&
    (until === undefined || Date.parse(event.time) < Date.parse(until))
  );
}

/** Reports whether a rule denies this run a tool or verbs without ending its leases. */
export function ruleDeniesTool(rule: Rule, runId: string, story: Story): boolean {
  const opened = story.openings.get(runId);
  if (opened === undefined || rule.data.target !== 'tool' || !isOlder(rule, opened)) return false;
  const { tool: _, verb: __, ...others } = rule.data.selector;
  const meets = (limits: Limits | undefined, approver?: string): boolean =>
    isSelected(others, { run: opened.event, limits, approver });
  const leases = story.leases.get(runId);
  return leases ? leases.some(({ event }) => meets(event.data.limits, approverOf(event, story))) : meets(undefined);
}

/** Reports whether a rule that denies a tool or verbs applies to this call. */
export function meansCall({ data: { selector } }: Rule, { verb, tool }: { verb: string; tool?: string | undefined }) {
  if (selector.verb !== undefined && matchesVerb(selector.verb, verb)) return true;
  const meant = nameKey(selector.tool ?? '');
  return meant === verb || (tool !== undefined && meant === nameKey(tool));
}

const strikes = (rule: Rule, opened: Opened, limits: Limits, approver: string | undefined): boolean =>
  rule.data.mode !== 'suspend' && means(rule, opened, limits, approver);

const means = (rule: Rule, opened: Opened, limits: Limits, approver: string | undefined): boolean =>
  rule.data.target !== 'tool' &&
  isOlder(rule, opened) &&
  isSelected(rule.data.selector, { run: opened.event, limits, approver });

/**
 * The run must be older than the rule, or than the time that the rule names; a lease is as old as its run, however late a
 * person approved or raised it.
 */
function isOlder({ position, data }: Rule, { event: run }: Opened): boolean {
  const { issuedBefore } = data.selector;
  return run.position < position && (issuedBefore === undefined || Date.parse(run.time) < Date.parse(issuedBefore));
}

/** Returns whose answer issued a lease, or the lease that it replaced. */
function approverOf(grant: EventOf<'GrantIssued'>, story: Story): string | undefined {
  const { approvedBy, supersedes } = grant.data;
  const old = supersedes === undefined ? undefined : story.issues.get(supersedes)?.event;
  return approvedBy ?? (old && old.position < grant.position ? approverOf(old, story) : undefined);
}
