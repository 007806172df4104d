import type { RuleInForce, Trajectory, TrajectoryStep } from '@bailiwick/contracts/actions/trajectory';
import type { Formula, RuleOutcome, StatedRule } from '@bailiwick/contracts/policy/rule';
import { isSeen, labelsAlone, openLabel } from './formula';
import { hasLabel } from './step';

/** A dangerous sequence of individually allowed steps: all labels of `seen` anywhere in the tree, followed by `then`. */
export interface LabelSequence {
  readonly seen: readonly string[];
  /** only earlier steps count, not the step itself */
  readonly before?: true;
  readonly then: string;
  /** human-readable reason, and what to do instead */
  readonly says: string;
}

/** A rule about labels alone, which needs nothing of a tree but the first action of each label. */
export interface LabelRule extends RuleInForce, LabelSequence {}

/** Reads a rule as a sequence of labels, if it is one: most are, and need no further state. */
export function sequenceOf({ on, when, says }: StatedRule): LabelSequence | undefined {
  const { labels = [], ...rest } = on;
  const [then] = labels;
  if (then === undefined || labels.length > 1 || Object.values(rest).some((each) => each !== undefined))
    return undefined;
  const parts = when.all ?? [when];
  const before = parts.every(({ formerly }) => formerly !== undefined);
  if (!before && !parts.every(({ once }) => once !== undefined)) return undefined;
  const seen = parts.map(labelOf);
  if (!seen.every((label) => label !== undefined)) return undefined;
  return before ? { seen, before, then, says } : { seen, then, says };
}

function labelOf({ formerly, once }: Formula): string | undefined {
  const labels = labelsAlone(formerly ?? once ?? {});
  return labels?.length === 1 ? labels[0] : undefined;
}

/** Returns the rule of a sequence. The reason names the action and the run that armed it. */
export function labelRule(
  sequence: LabelSequence,
  { name, code, outcome }: { readonly name: string; readonly code: string; readonly outcome: RuleOutcome },
  { path, actual } = { path: `trajectory.${sequence.then}`, actual: sequence.then },
): LabelRule {
  const { seen: labels, before, then, says } = sequence;
  return {
    ...sequence,
    name,
    code,
    outcome,
    objection(seen, step) {
      if (!carries(step, then)) return undefined;
      for (const label of labels)
        if (!isSeen(seen, label) && (before === true || !carries(step, label))) return undefined;
      const by = labels.map((label) => armedBy(seen, label));
      return { code, message: `${says} (${by.join('; ')})`, path, actual };
    },
  };
}

/** The step itself counts: one call that reads and sends a secret is as dangerous as two. */
function carries({ labels, effect, effects }: TrajectoryStep, label: string): boolean {
  return labels.includes(label) || hasLabel({ labels: [], effects: effects ?? [effect] }, label);
}

/** Describes the earlier action that armed a rule with this label. */
function armedBy({ first, inFlight = [] }: Trajectory, label: string): string {
  const open = inFlight.find(({ charge }) => openLabel(charge) === label);
  const by = open ? { ...open, actionId: open.id } : Object.hasOwn(first, label) ? first[label] : undefined;
  if (!by) return `${label}: by this call`;
  return `${label}: by action ${by.actionId} of run ${by.runId}, position ${by.position}`;
}
