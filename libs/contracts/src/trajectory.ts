import type { Effect } from './grant';
import type { Reason } from './reason';

/** The labels that sequence rules speak of: a tree keeps each of them, however many others it was told. */
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

/** What a tree has done so far: the first action that carried each label, in order of position. */
export interface Trajectory {
  readonly first: Readonly<Record<string, { actionId: string; runId: string; position: number }>>;
  /** permits without an outcome that send (those that are charged so), or may */
  readonly inFlight?: readonly InFlight[];
}
export interface InFlight {
  readonly id: string;
  readonly runId: string;
  readonly position: number;
  readonly charge: { readonly external: number };
}

/** What is asked for now. */
export interface TrajectoryStep {
  readonly labels: readonly string[];
  readonly effect: Effect;
  readonly runId: string;
}

/** Judges the next step against all the tree has done: one reason per rule that objects; empty: none does. */
export type JudgeTrajectory = (seen: Trajectory, step: TrajectoryStep) => Reason[];
