import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Stage } from '@bailiwick/contracts/policy/catalog-entry';
import type { Effect, Risk } from '@bailiwick/contracts/grants/grant';

/** One permitted call of a recorded run, as a lease is derived from it. */
export interface RecordedCall {
  /** normalized */
  readonly verb: string;
  readonly effects: readonly Effect[];
  readonly risk: Risk;
  readonly stage: Stage;
  /** left out: they are not known */
  readonly labels?: readonly string[] | undefined;
  readonly resource: { readonly type: string; readonly id: string };
  /** of the resource; where a file of runs has the arguments of the call, these */
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** the text of the result, if it is recorded */
  readonly result?: string | undefined;
  /** false: the call was made and had no effect */
  readonly completed: boolean;
  /** minor units by currency */
  readonly cost?: Readonly<Record<string, number>> | undefined;
  readonly units?: Readonly<Record<string, number>> | undefined;
}

/** A run that ended, with its permitted calls in their order. */
export interface RecordedRun {
  readonly id: string;
  readonly agentClass: string;
  /** what the run was for, in the words of the person who asked; empty if it was erased */
  readonly task: string;
  readonly calls: readonly RecordedCall[];
  /** from its start to its last call, ms; undefined if no times are recorded */
  readonly durationMs?: number | undefined;
}
