import type { Effect } from '@bailiwick/contracts/grants/grant';
import type { Directive } from './directives';
import type { Intent } from './families';

/** One call, as far as the monitor knows it. */
export interface Call {
  readonly verb: string;
  readonly tool?: string | undefined;
  readonly effect: Effect;
  readonly resource: { readonly type: string; readonly id: string };
  readonly labels: readonly string[];
  /** the arguments or their preview; undefined if they were not sent or were erased */
  readonly args?: unknown;
}

/** A text that defines what a run should do, parsed once. */
export interface Goal {
  /** normalized */
  readonly text: string;
  /** stems */
  readonly words: ReadonlySet<string>;
  /** the actions that it asks for */
  readonly intent: Intent;
}

/** The result of a tool. */
export interface Returned {
  readonly runId: string;
  /** normalized */
  readonly text: string;
  /** by its labels: `trusted` and `untrusted` results carry that label, `unlabelled` ones neither */
  readonly trust: 'trusted' | 'unlabelled' | 'untrusted';
  readonly directives: readonly Directive[];
  /** the normalized request that produced it */
  readonly source: string;
}

/** The history of one run. */
export interface RunHistory {
  readonly runId: string;
  /** the run's own task, or the purpose if it has no task */
  readonly own: Goal;
  /** the request of the person, at the root of the tree */
  readonly root: Goal;
  /** values of the own task that its parent knew only from a tool's result: no person asked for them */
  readonly smuggled: readonly string[];
  delegatedSources: readonly string[];
  /** text of those sources, once read: part of the goal */
  delegated: Goal;
  /** keys of the calls so far, with their counts */
  readonly calls: Map<string, number>;
  /** distinct resources read or changed */
  readonly resources: Set<string>;
  /** number of them that were unrelated to the goal when first accessed */
  unrelated: number;
  readonly types: Set<string>;
  /** refusals beyond those that the log lists one by one, since the run started or a person resumed it */
  refused: number;
  /** the highest score of any call since the run started or a person resumed it */
  peak: number;
  /** the highest score in the log since then; undefined if there is none */
  reported: number | undefined;
  /** thresholds of the grant; empty before it is issued */
  thresholds: readonly number[];
}

/** The history of a tree. Only `observe` changes it, in place. */
export interface History {
  root: Goal;
  readonly runs: Map<string, RunHistory>;
  /** the newest results, oldest first */
  readonly results: Returned[];
  /** calls whose result has not arrived */
  readonly pending: Map<string, { readonly runId: string; readonly call: Call }>;
}
