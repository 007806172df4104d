import type { Consumed, Effect } from '@bailiwick/contracts/grants/grant';
import type { StepKind, StepPart } from '@bailiwick/contracts/policy/rule';
import type { TrajectoryStep } from '@bailiwick/contracts/actions/trajectory';
import type { ValueMarks } from '@bailiwick/contracts/actions/value-marks';
import { sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';

/** One step of a tree, as the rules over sequences compare it. What an event does not record is undefined. */
export interface Step {
  /** `ended`: an outcome without labels, of which only rules about the flow of data hear */
  readonly kind: StepKind | 'ended';
  readonly labels: readonly string[];
  readonly effects: readonly Effect[];
  readonly verb: string | undefined;
  readonly resource: { readonly type: string; readonly id: string } | undefined;
  readonly runId: string;
  readonly agentClass: string | undefined;
  readonly charge: Consumed | undefined;
  /** of a permitted action, and of its outcome */
  readonly actionId?: string | undefined;
  /** of the values of its arguments, or of its result; undefined: none were stated */
  readonly marks?: ValueMarks | undefined;
  /** a run states it, and no enforcement point */
  readonly isOwnWord?: boolean | undefined;
}

/** Returns the judged action as a step: it is compared with the steps that were permitted. */
export function judgedStep(step: TrajectoryStep): Step {
  if (newest?.of === step) return newest.as;
  const { labels, effect, effects = [effect], verb, resource, runId, agentClass, charge, marks, isOwnWord } = step;
  const stated = marks === undefined && isOwnWord !== true ? undefined : { marks, isOwnWord };
  const as: Step = { kind: 'permitted', labels, effects, verb, resource, runId, agentClass, charge, ...stated };
  newest = { of: step, as };
  return as;
}
/** Each rule of a list asks for the same action. */
let newest: { readonly of: TrajectoryStep; readonly as: Step } | undefined;

/** The label that an effect implies, so that a step without its label is still judged (I11). */
export const LABEL_OF: Partial<Record<Effect, string>> = { external: 'send:external', exec: 'exec:shell' };

export const hasLabel = ({ labels, effects }: Pick<Step, 'labels' | 'effects'>, label: string): boolean =>
  labels.includes(label) || effects.some((each) => LABEL_OF[each] === label);

/**
 * Returns what a step has in common with the steps that share these parts, or undefined if it lacks one of them: such
 * a step is the same as no other.
 */
export function keyOf(step: Step, parts: readonly StepPart[]): string | undefined {
  let key = '';
  for (const part of parts) {
    const value = partOf(step, part);
    if (value === undefined) return undefined;
    key += `${key === '' ? '' : '\n'}${value}`;
  }
  return shortened(key);
}

export const resourceKey = ({ resource }: Step): string | undefined => resource && `${resource.type} ${resource.id}`;

function partOf(step: Step, part: StepPart): string | undefined {
  if (part === 'run') return step.runId;
  return part === 'verb' ? step.verb : resourceKey(step);
}

/** Long keys are stored as digests, so that what a tree keeps is bounded. */
export const shortened = (key: string): string =>
  key.length <= LIMITS.policy.rule.keyChars ? key : `#${sha256hex(key).slice(0, 32)}`;
