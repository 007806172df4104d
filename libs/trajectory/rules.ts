import type { ReasonCode } from '#contracts/codes';
import type { DecisionOutcome, Reason } from '#contracts/reason';
import type { JudgeTrajectory, Trajectory, TrajectoryStep } from '#contracts/trajectory';

/** A dangerous sequence of steps each of which is allowed: all of `seen` somewhere in the tree, then one of `then`. */
interface SequenceRule {
  readonly code: ReasonCode;
  readonly outcome: DecisionOutcome;
  readonly seen: readonly string[];
  readonly then: string;
  readonly says: string;
}

/**
 * The rules, over the whole tree: splitting an attack between a parent and a child does not hide it. The last is the
 * "lethal trifecta" (Willison, 2025): private data, untrusted content, a way out.
 */
export const SEQUENCES: readonly SequenceRule[] = [
  { code: 'SECRET_EXFILTRATION', outcome: 'deny', seen: ['read:secret'], then: 'send:external', says: 'a secret was read in this task, so nothing is sent outside any more' },
  { code: 'EXEC_AFTER_DENIED_ESCALATION', outcome: 'deny', seen: ['denied:escalation'], then: 'exec:shell', says: 'more authority was asked for and denied in this task, so nothing is executed any more' },
  { code: 'LETHAL_TRIFECTA', outcome: 'step-up', seen: ['private', 'untrusted'], then: 'send:external', says: 'private data and untrusted content have met in this task; a person must look at what is sent outside' },
];

export const judgeTrajectory: JudgeTrajectory = (seen, step) =>
  SEQUENCES.filter((rule) => step.labels.includes(rule.then) && rule.seen.every((label) => carried(seen, step, label))).map((rule) =>
    reasonOf(rule, seen),
  );

/** The step itself counts: one call that reads a secret and sends it is no better than two. */
function carried(seen: Trajectory, step: TrajectoryStep, label: string): boolean {
  return Object.hasOwn(seen.first, label) || step.labels.includes(label);
}

function reasonOf(rule: SequenceRule, seen: Trajectory): Reason {
  const armed = rule.seen.flatMap((label) => {
    const first = Object.hasOwn(seen.first, label) ? seen.first[label] : undefined;
    return first ? [`${label} at position ${first.position} by ${first.runId}`] : [`${label} by this very call`];
  });
  return { rule: 'trajectory', outcome: rule.outcome, code: rule.code, message: `${rule.says} (${armed.join('; ')})`, actual: rule.then };
}
