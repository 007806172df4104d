import type { Consumed, Effect } from '../grants/grant';
import type { Obligation } from '../obligations/obligation';
import type { RuleOutcome } from '../policy/rule';
import type { Reason } from '../reason';
import type { ValueMarks } from './value-marks';

/** The labels that sequence rules use: a tree keeps each of them, regardless of the number of others. */
export const RULE_LABELS: ReadonlySet<string> = new Set([
  'read:secret',
  'send:external',
  'denied:escalation',
  'exec:shell',
  'private',
  'untrusted',
  'may:send',
  'may:exec',
  'fetch:unnamed',
  'open:send',
  'open:may-send',
]);

/** The past of a tree, as far as the rules over sequences need it. */
export interface Trajectory {
  /** the first action that carried each label, in order of position */
  readonly first: Readonly<Record<string, { actionId: string; runId: string; position: number }>>;
  /** permits without an outcome that send (and are charged so), or may send */
  readonly inFlight?: readonly InFlight[];
  /** the rules in force; left out: those that the release ships */
  readonly rules?: readonly RuleInForce[];
  /** what rules keep of the tree, by their operators */
  readonly kept?: KeptOfTree | undefined;
  /** the time of the decision, ms */
  readonly now?: number;
}
export interface InFlight {
  readonly id: string;
  readonly runId: string;
  readonly position: number;
  readonly charge: { readonly external: number };
}
export interface KeptOfTree {
  /** the number of its decided actions, since something was kept */
  readonly actions: number;
  readonly states: ReadonlyMap<string, unknown>;
}

/** The requested action. */
export interface TrajectoryStep {
  readonly labels: readonly string[];
  /** the strictest of its effects */
  readonly effect: Effect;
  /** all of them, if there are several */
  readonly effects?: readonly Effect[] | undefined;
  readonly runId: string;
  readonly verb?: string;
  readonly resource?: { readonly type: string; readonly id: string };
  readonly agentClass?: string;
  readonly charge?: Consumed;
  /** of the values of its arguments */
  readonly marks?: ValueMarks | undefined;
  /** the run itself states the call */
  readonly isOwnWord?: boolean | undefined;
}

/** A rule over sequences, compiled. */
export interface RuleInForce {
  readonly name: string;
  /** a reason code; several rules may have the same */
  readonly code: string;
  readonly outcome: RuleOutcome;
  /** what the enforcement point must do if the rule fires and the call is permitted */
  readonly obligations?: readonly Obligation[] | undefined;
  /** Reports whether it can object to a step of a verb; left out: it can to each. */
  isAbout?(verb: string): boolean;
  /** Returns why the rule objects to the step, or undefined if it does not. */
  objection(seen: Trajectory, step: TrajectoryStep): Omit<Reason, 'rule' | 'outcome'> | undefined;
}

/** Judges the next step against the past of its tree: one reason per rule that objects, or none. */
export type JudgeTrajectory = (seen: Trajectory, step: TrajectoryStep) => RuleReason[];
/** A reason with the obligations of its rule, which are not recorded with the reason. */
export type RuleReason = Reason & { readonly obligations?: readonly Obligation[] | undefined };
