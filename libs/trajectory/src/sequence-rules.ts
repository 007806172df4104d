import type { Change } from '@bailiwick/contracts/replay/replay';
import type { Effect } from '@bailiwick/contracts/grants/grant';
import type { DecisionOutcome, Reason } from '@bailiwick/contracts/reason';
import type { JudgeTrajectory, Trajectory, TrajectoryStep } from '@bailiwick/contracts/actions/trajectory';

/** A dangerous sequence of individually allowed steps: all labels of `seen` anywhere in the tree, followed by `then`. */
export interface SequenceRule {
  /** a ReasonCode, or the name of a rule under trial */
  readonly code: string;
  readonly outcome: DecisionOutcome;
  readonly seen: readonly string[];
  /** only earlier steps count, not the step itself */
  readonly before?: true;
  readonly then: string;
  /** human-readable reason, and what to do instead */
  readonly says: string;
}

const SECRET_SEEN = 'a secret was read in this task';
const SETTLE_FIRST = 'report its outcome, or wait until it expires, and ask again';

/**
 * The rules apply to the whole tree, so splitting an attack between a parent and a child does not hide it. The
 * "lethal trifecta" (Willison, 2025) is private data, untrusted content and a way out. Calls that may leave the system
 * (`may:…`) need an approval. An address that the agent composed can carry data out like a message (`fetch:unnamed`). A
 * permit to send that is in flight would outlive the reading of a secret, because enforcement points do not ask again
 * before they use it; reading the secret must wait (`open:…`).
 */
export const SEQUENCES: readonly SequenceRule[] = [
  {
    code: 'SECRET_EXFILTRATION',
    outcome: 'deny',
    seen: ['read:secret'],
    then: 'send:external',
    says: 'a secret was read in this task, so nothing more may be sent outside; send it from a task that reads no secret',
  },
  {
    code: 'EXEC_AFTER_DENIED_ESCALATION',
    outcome: 'deny',
    seen: ['denied:escalation'],
    then: 'exec:shell',
    says: 'more authority was requested and denied in this task, so nothing more may be executed in it',
  },
  {
    code: 'LETHAL_TRIFECTA',
    outcome: 'step-up',
    seen: ['private', 'untrusted'],
    then: 'send:external',
    says: 'private data and untrusted content have met in this task; a person must approve what is sent outside',
  },
  {
    code: 'MAY_SEND_SECRET',
    outcome: 'step-up',
    seen: ['read:secret'],
    before: true,
    then: 'may:send',
    says: `${SECRET_SEEN}, and this may send something outside; a person must approve it`,
  },
  {
    code: 'MAY_SEND_PRIVATE',
    outcome: 'step-up',
    seen: ['private', 'untrusted'],
    before: true,
    then: 'may:send',
    says: 'private data and untrusted content have met in this task, and this may send something outside; a person must approve it',
  },
  {
    code: 'FETCH_AFTER_PRIVATE',
    outcome: 'step-up',
    seen: ['private'],
    before: true,
    then: 'fetch:unnamed',
    says: 'private data was read in this task, and an address can carry it out; name the host in the root lease, or request approval',
  },
  {
    code: 'FETCH_AFTER_PRIVATE',
    outcome: 'step-up',
    seen: ['read:secret'],
    before: true,
    then: 'fetch:unnamed',
    says: `${SECRET_SEEN}, and an address can carry it out; name the host in the root lease, or request approval`,
  },
  {
    code: 'MAY_EXEC_AFTER_DENIED_ESCALATION',
    outcome: 'step-up',
    seen: ['denied:escalation'],
    before: true,
    then: 'may:exec',
    says: 'more authority was requested and denied in this task, and this may execute something; a person must approve it',
  },
  {
    code: 'SENDING_IN_FLIGHT',
    outcome: 'deny',
    seen: ['open:send'],
    before: true,
    then: 'read:secret',
    says: `a permit to send outside has no outcome yet, and would outlive the reading of this secret; ${SETTLE_FIRST}`,
  },
  {
    code: 'MAY_SEND_IN_FLIGHT',
    outcome: 'step-up',
    seen: ['open:may-send'],
    before: true,
    then: 'read:secret',
    says: `a permit that may send outside has no outcome yet, and would outlive the reading of this secret; ${SETTLE_FIRST}`,
  },
];

/** The label that an effect implies, so that a step without its label is still judged (I11). */
const LABEL_OF: Partial<Record<Effect, string>> = { external: 'send:external', exec: 'exec:shell' };

/**
 * Judges the next step against the trajectory of the tree. Returns one reason per rule that objects, with the action and
 * the run that armed the rule. Pure, and independent of grants and time. The caller must record only permitted actions
 * in the trajectory, and denied ones as `denied:…`.
 */
export const judgeTrajectory: JudgeTrajectory = judgeBy(SEQUENCES);

/** Like `judgeTrajectory`, with the given rules. */
export function judgeBy(sequences: readonly SequenceRule[]): JudgeTrajectory {
  return (trajectory, step) => {
    const seen = withOpen(trajectory);
    const armed = (label: string, { before }: SequenceRule): boolean =>
      Object.hasOwn(seen.first, label) || (!before && carries(step, label));
    return sequences
      .filter((rule) => carries(step, rule.then) && rule.seen.every((label) => armed(label, rule)))
      .map((rule) => reasonOf(rule, seen));
  };
}

/** Adds a label for each action in flight; it lasts until the outcome. */
function withOpen({ first, inFlight = [] }: Trajectory): Trajectory {
  if (inFlight.length === 0) return { first };
  const open: Record<string, Trajectory['first'][string]> = {};
  for (const { id: actionId, runId, position, charge } of inFlight)
    open[charge.external > 0 ? 'open:send' : 'open:may-send'] ??= { actionId, runId, position };
  return { first: { ...first, ...open } };
}

/** Returns a judge for changed rules: rules switched off, stricter or milder, and additional ones. */
export function judgeUnder({ sequences = {}, added = [] }: NonNullable<Change['policy']> = {}): JudgeTrajectory {
  const kept = SEQUENCES.flatMap((rule): SequenceRule[] => {
    const outcome = sequences[rule.code as keyof typeof sequences] ?? rule.outcome;
    return outcome === 'off' ? [] : [{ ...rule, outcome }];
  });
  const tried = added.map(({ says = 'a rule under trial', ...rule }) => ({ ...rule, says, code: 'TRIED_OUT' }));
  return judgeBy([...kept, ...tried]);
}

/** The step itself counts: one call that reads and sends a secret is as dangerous as two. */
function carries(step: TrajectoryStep, label: string): boolean {
  return step.labels.includes(label) || LABEL_OF[step.effect] === label;
}

function reasonOf(rule: SequenceRule, seen: Trajectory): Reason {
  const by = rule.seen.map((label) => armedBy(seen, label));
  return {
    rule: 'trajectory',
    outcome: rule.outcome,
    code: rule.code,
    message: `${rule.says} (${by.join('; ')})`,
    path: `trajectory.${rule.then}`,
    actual: rule.then,
  };
}

/** Describes the earlier action that armed a rule with this label. */
function armedBy(seen: Trajectory, label: string): string {
  const first = Object.hasOwn(seen.first, label) ? seen.first[label] : undefined;
  if (!first) return `${label}: by this call`;
  return `${label}: by action ${first.actionId} of run ${first.runId}, position ${first.position}`;
}
