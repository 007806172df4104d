import type { Effect } from '../grants/grant';
import type { Reason } from '../reason';

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

/** The past of a tree: the first action that carried each label, in order of position. */
export interface Trajectory {
  readonly first: Readonly<Record<string, { actionId: string; runId: string; position: number }>>;
  /** permits without an outcome that send (and are charged so), or may send */
  readonly inFlight?: readonly InFlight[];
}
export interface InFlight {
  readonly id: string;
  readonly runId: string;
  readonly position: number;
  readonly charge: { readonly external: number };
}

/** The requested action. */
export interface TrajectoryStep {
  readonly labels: readonly string[];
  readonly effect: Effect;
  readonly runId: string;
}

/** Judges the next step against the past of its tree: one reason per rule that objects, or none. */
export type JudgeTrajectory = (seen: Trajectory, step: TrajectoryStep) => Reason[];
