import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import { looksLike, nameKey } from '@bailiwick/core/look-alike';
import type { Story, StoryEntry } from './story';

// Shares no code with the rules that decide (`libs/authority`), so that verifying a receipt also checks those rules.

type Rule = EventOf<'RevocationRuleAdded'>;

/** Reports whether a rule strikes a lease of this run, or the lease that the run is waiting for (I6). */
export function ruleStrikesRun(rule: Rule, runId: string, story: Story): boolean {
  const opened = story.openings.get(runId);
  if (!opened) return false;
  const leases = story.leases.get(runId);
  if (leases) return leases.some(({ event }) => ruleStrikesGrant(rule, event, opened));
  return [...story.asked.values()].some(({ event: { runId: asks, data } }) => {
    const answered = story.answered.get(data.approvalId)?.event.position ?? Infinity;
    const waited = asks === runId && data.kind === 'grant' && rule.position < answered;
    return waited && data.limits !== undefined && strikes(rule, data.limits, opened);
  });
}

export const ruleStrikesGrant = (rule: Rule, grant: EventOf<'GrantIssued'>, opened: StoryEntry<'RunOpened'>): boolean =>
  strikes(rule, grant.data.limits, opened);

/** Reports whether a rule denies this run a tool without ending its leases. */
export function ruleDeniesTool(rule: Rule, runId: string, story: Story): boolean {
  const opened = story.openings.get(runId);
  return opened !== undefined && rule.data.target === 'tool' && meets(rule, opened);
}

/** Reports whether a rule that denies a tool applies to this call. */
export function meansCall({ data: { selector } }: Rule, { verb, tool }: { verb: string; tool?: string | undefined }) {
  const meant = nameKey(selector.tool ?? '');
  return meant === verb || (tool !== undefined && meant === nameKey(tool));
}

const strikes = (rule: Rule, limits: Limits, opened: StoryEntry<'RunOpened'>): boolean =>
  rule.data.target !== 'tool' &&
  meets(rule, opened) &&
  (rule.data.selector.tool === undefined || couldUse(limits, rule.data.selector.tool));

/**
 * Matches all parts of the selector except its tool. The run must be older than the rule, or than the time that the rule
 * names; a lease is as old as its run, however late a person approved or raised it.
 */
function meets(rule: Rule, { event: run }: StoryEntry<'RunOpened'>): boolean {
  if (run.position >= rule.position) return false;
  const { agentClass, agentInstance, modelVersion, principalRef, purposeRef, treeId, issuedBefore } =
    rule.data.selector;
  if (issuedBefore !== undefined && Date.parse(run.time) >= Date.parse(issuedBefore)) return false;
  const { agent } = run.data;
  const wanted: [string | undefined, string | undefined][] = [
    [agentClass, agent.class],
    [agentInstance, agent.instance],
    [modelVersion, agent.posture?.modelVersion],
    [principalRef, run.data.principalRef],
    [purposeRef, run.data.purposeRef],
    [treeId, run.treeId],
  ];
  // a rule also matches look-alike spellings of a class
  return wanted.every(([want, has]) => want === undefined || (has !== undefined && looksLike(want, has)));
}

function couldUse({ actions, permissions, deny = [] }: Limits, tool: string): boolean {
  const verb = nameKey(tool);
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(verb)) return false;
  const covers = (pattern: string): boolean => matches(pattern.split('.'), verb.split('.'));
  const isDeniedEverywhere = deny.some(
    (pair) =>
      pair.actions.some(covers) &&
      pair.resources.some(
        ({ type, match, where = {} }) => type === '*' && match === '**' && Object.keys(where).length === 0,
      ),
  );
  if (isDeniedEverywhere || (permissions && !permissions.some((entry) => entry.actions.some(covers)))) return false;
  return actions.allow.some(covers) && !actions.deny.some(covers);
}

/** `*` is one segment, `**` zero or more; a `*` at the end is one or more. Takes time proportional to the product of both lengths. */
function matches(pattern: readonly string[], verb: readonly string[]): boolean {
  const extended = pattern[pattern.length - 1] === '*' ? [...pattern, '**'] : pattern;
  // reached[i]: the pattern read so far matches the first i segments of the verb
  let reached = [true, ...verb.map(() => false)];
  for (const segment of extended) {
    reached =
      segment === '**'
        ? reached.map((_, i) => reached.slice(0, i + 1).includes(true))
        : reached.map((_, i) => i > 0 && reached[i - 1] === true && (segment === '*' || segment === verb[i - 1]));
  }
  return reached[verb.length] === true;
}
