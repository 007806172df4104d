import type { Change } from '@bailiwick/contracts/replay';
import type { Effect } from '@bailiwick/contracts/grant';
import type { DecisionOutcome, Reason } from '@bailiwick/contracts/reason';
import type { JudgeTrajectory, Trajectory, TrajectoryStep } from '@bailiwick/contracts/trajectory';

/** A dangerous sequence of steps each of which is allowed: all of `seen` somewhere in the tree, then one of `then`. */
export interface SequenceRule {
  /** a ReasonCode, or the name of a rule that is only tried out */
  readonly code: string;
  readonly outcome: DecisionOutcome;
  readonly seen: readonly string[];
  /** only what came before this step counts, not the step itself */
  readonly before?: true;
  readonly then: string;
  /** why, for a person, and what to do */
  readonly says: string;
}

const SECRET_SEEN = 'a secret was read in this task';
const SETTLE_FIRST = 'report its outcome, or wait until it expires, and ask again';

/**
 * The rules, over the whole tree: splitting an attack between a parent and a child does not hide it. The
 * "lethal trifecta" (Willison, 2025) is private data, untrusted content, a way out. What is not known to stay inside is
 * in doubt (`may:…`): a person is asked. An address of the agent's making carries data out as a message does
 * (`fetch:unnamed`). A permit to send that is in flight would outlive the reading of a secret, and enforcement points
 * are not asked again before they use one: so the secret waits (`open:…`).
 */
export const SEQUENCES: readonly SequenceRule[] = [
  {
    code: 'SECRET_EXFILTRATION',
    outcome: 'deny',
    seen: ['read:secret'],
    then: 'send:external',
    says: 'a secret was read in this task, so nothing is sent outside any more; send it from a task that reads none',
  },
  {
    code: 'EXEC_AFTER_DENIED_ESCALATION',
    outcome: 'deny',
    seen: ['denied:escalation'],
    then: 'exec:shell',
    says: 'more authority was asked for and denied in this task, so nothing is executed in it any more',
  },
  {
    code: 'LETHAL_TRIFECTA',
    outcome: 'step-up',
    seen: ['private', 'untrusted'],
    then: 'send:external',
    says: 'private data and untrusted content have met in this task; a person must look at what is sent outside',
  },
  {
    code: 'MAY_SEND_SECRET',
    outcome: 'step-up',
    seen: ['read:secret'],
    before: true,
    then: 'may:send',
    says: `${SECRET_SEEN}, and this may send something outside; a person must look at it`,
  },
  {
    code: 'MAY_SEND_PRIVATE',
    outcome: 'step-up',
    seen: ['private', 'untrusted'],
    before: true,
    then: 'may:send',
    says: 'private data and untrusted content have met in this task, and this may send something outside; a person must look at it',
  },
  {
    code: 'FETCH_AFTER_PRIVATE',
    outcome: 'step-up',
    seen: ['private'],
    before: true,
    then: 'fetch:unnamed',
    says: 'private data was read in this task, and an address can carry it out; name the host in the root lease, or have a person look at it',
  },
  {
    code: 'FETCH_AFTER_PRIVATE',
    outcome: 'step-up',
    seen: ['read:secret'],
    before: true,
    then: 'fetch:unnamed',
    says: `${SECRET_SEEN}, and an address can carry it out; name the host in the root lease, or have a person look at it`,
  },
  {
    code: 'MAY_EXEC_AFTER_DENIED_ESCALATION',
    outcome: 'step-up',
    seen: ['denied:escalation'],
    before: true,
    then: 'may:exec',
    says: 'more authority was asked for and denied in this task, and this may execute something; a person must look at it',
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

/** What an effect means whatever the labels say: a step that lost its label on the way is judged all the same (I11). */
const LABEL_OF: Partial<Record<Effect, string>> = { external: 'send:external', exec: 'exec:shell' };

/**
 * Judges the next step against all that the tree has done: one reason for each rule that objects, naming the action
 * and the run that armed it. Pure; knows nothing of grants or time. Only what was permitted (and what was denied, as
 * `denied:…`) is in `seen`: who keeps the trajectory sees to that.
 */
export const judgeTrajectory: JudgeTrajectory = judgeBy(SEQUENCES);

/** The same by other rules than those in force. */
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

/** What is in flight counts as a label that lasts until its outcome. */
function withOpen({ first, inFlight = [] }: Trajectory): Trajectory {
  if (inFlight.length === 0) return { first };
  const open: Record<string, Trajectory['first'][string]> = {};
  for (const { id: actionId, runId, position, charge } of inFlight)
    open[charge.external > 0 ? 'open:send' : 'open:may-send'] ??= { actionId, runId, position };
  return { first: { ...first, ...open } };
}

/** The rules as a change would have them: switched off, stricter or milder, and others beside them. */
export function judgeUnder({ sequences = {}, added = [] }: NonNullable<Change['policy']> = {}): JudgeTrajectory {
  const kept = SEQUENCES.flatMap((rule): SequenceRule[] => {
    const outcome = sequences[rule.code as keyof typeof sequences] ?? rule.outcome;
    return outcome === 'off' ? [] : [{ ...rule, outcome }];
  });
  const tried = added.map(({ says = 'a rule that is tried out', ...rule }) => ({ ...rule, says, code: 'TRIED_OUT' }));
  return judgeBy([...kept, ...tried]);
}

/** The step itself counts: one call that reads a secret and sends it is no better than two. */
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

/** In words, which earlier action armed a rule with this label. */
function armedBy(seen: Trajectory, label: string): string {
  const first = Object.hasOwn(seen.first, label) ? seen.first[label] : undefined;
  if (!first) return `${label}: by this very call`;
  return `${label}: by action ${first.actionId} of run ${first.runId}, position ${first.position}`;
}
