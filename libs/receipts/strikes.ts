import type { EventOf } from '#contracts/event';
import type { Limits } from '#contracts/grant';
import { nameKey } from '#kernel/look-alike';
import type { Story, Told } from './story';

// Shares no code with the rules that decide (`libs/authority`): whoever verifies a receipt checks them, too.

/**
 * Did this rule strike a grant of this run (I6)? All parts of its selector must match, and the grant must be older
 * than the rule, or than the time it names.
 */
export function ruleStrikesRun(rule: EventOf<'RevocationRuleAdded'>, runId: string, story: Story): boolean {
  const opened = story.openings.get(runId);
  if (!opened) return false;
  return (story.leases.get(runId) ?? []).some(({ event }) => ruleStrikesGrant(rule, event, opened));
}

export function ruleStrikesGrant(
  rule: EventOf<'RevocationRuleAdded'>,
  grant: EventOf<'GrantIssued'>,
  { event: run }: Told<'RunOpened'>,
): boolean {
  if (grant.position >= rule.position) return false;
  const { agentClass, agentInstance, modelVersion, principalRef, purposeRef, tool, treeId, issuedBefore } =
    rule.data.selector;
  if (issuedBefore !== undefined && Date.parse(grant.time) >= Date.parse(issuedBefore)) return false;
  const { agent } = run.data;
  const wanted: [string | undefined, string | undefined][] = [
    [agentClass, agent.class],
    [agentInstance, agent.instance],
    [modelVersion, agent.posture?.modelVersion],
    [principalRef, run.data.principalRef],
    [purposeRef, run.data.purposeRef],
    [treeId, grant.treeId],
  ];
  // a class is stopped in every spelling that looks like it
  const key = (value: string | undefined) => (value === undefined ? undefined : nameKey(value));
  if (wanted.some(([want, has]) => want !== undefined && key(want) !== key(has))) return false;
  return tool === undefined || couldUse(grant.data.limits, tool);
}

function couldUse({ actions }: Limits, tool: string): boolean {
  const verb = tool.normalize('NFKC').toLowerCase().trim();
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(verb)) return false;
  const covers = (pattern: string): boolean => matches(pattern.split('.'), verb.split('.'));
  return actions.allow.some(covers) && !actions.deny.some(covers);
}

/** `*` is one segment, `**` zero or more; a `*` at the end is one or more. In time of their product, whatever they are. */
function matches(pattern: readonly string[], verb: readonly string[]): boolean {
  const spelt = pattern[pattern.length - 1] === '*' ? [...pattern, '**'] : pattern;
  // reached[i]: what was read of the pattern can stand for the first i segments of the verb
  let reached = [true, ...verb.map(() => false)];
  for (const segment of spelt) {
    reached =
      segment === '**'
        ? reached.map((_, i) => reached.slice(0, i + 1).includes(true))
        : reached.map((_, i) => i > 0 && reached[i - 1] === true && (segment === '*' || segment === verb[i - 1]));
  }
  return reached[verb.length] === true;
}
