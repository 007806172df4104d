import type { ReasonSignals, Suggestion, VerbSignals } from '@bailiwick/contracts/policy/policy-signals';
import { LIMITS } from '@bailiwick/core/limits';

/** The fewest answers, or denials, from which something is suggested. */
const ENOUGH = { answers: 10, refusals: 5, denials: 20 };

/** Returns what the counts suggest: the most frequent first, at most `LIMITS.policy.suggestions`. */
export function suggestionsFor(verbs: readonly VerbSignals[], reasons: readonly ReasonSignals[]): Suggestion[] {
  const found = [
    ...verbs.flatMap((verb) => weighed(ofVerb(verb), verb.asked)),
    ...reasons.flatMap((reason) => weighed(ofReason(reason, verbs), reason.count)),
  ];
  return found
    .sort((a, b) => b.weight - a.weight)
    .slice(0, LIMITS.policy.suggestions)
    .map(({ suggestion }) => suggestion);
}

const weighed = (suggestion: Suggestion | undefined, weight: number) => (suggestion ? [{ suggestion, weight }] : []);

function ofVerb({ verb, agentClass, approved, refused, expired, instantly }: VerbSignals): Suggestion | undefined {
  const answered = approved + refused;
  const about = { verb, agentClass };
  const by = `${verb} of ${agentClass}`;
  if (answered >= ENOUGH.answers && approved >= answered * 0.95 && instantly >= approved * 0.8)
    return {
      kind: 'not-read',
      ...about,
      says: `${by} was approved ${instantly} of ${answered} times within 3 s: the prompt is not read. Permit it with a cap in the lease, or ask only about what differs from the rest.`,
    };
  if (answered >= ENOUGH.answers && refused === 0)
    return {
      kind: 'always-approved',
      ...about,
      says: `${by} was approved ${approved} of ${answered} times: consider a permission with a cap instead of a question.`,
    };
  if (refused >= ENOUGH.refusals && refused >= answered * 0.8)
    return {
      kind: 'always-refused',
      ...about,
      says: `${by} was refused ${refused} of ${answered} times: deny it in the lease, so that people are not asked.`,
    };
  if (expired >= ENOUGH.refusals && expired > answered)
    return {
      kind: 'not-answered',
      ...about,
      says: `${expired} requests for ${by} expired without an answer, and ${answered} were answered: no approver sees them in time.`,
    };
  return undefined;
}

function ofReason(
  { code, agentClass, decision, count }: ReasonSignals,
  verbs: readonly VerbSignals[],
): Suggestion | undefined {
  if (decision !== 'deny' || count < ENOUGH.denials) return undefined;
  const own = verbs.filter((each) => each.agentClass === agentClass);
  const permits = own.reduce((sum, each) => sum + each.permits, 0);
  if (count <= permits) return undefined;
  return {
    kind: 'does-not-fit',
    agentClass,
    code,
    says: `${agentClass} was denied ${count} times with ${code} and permitted ${permits} times: its lease does not fit its task, or it tries what it may not do.`,
  };
}
