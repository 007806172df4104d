import type { Effect } from '@bailiwick/contracts/grant';
import type { Directive } from './directives';
import type { Intent } from './families';

/** One call, as far as the monitor sees it. */
export interface Call {
  readonly verb: string;
  readonly tool?: string | undefined;
  readonly effect: Effect;
  readonly resource: { readonly type: string; readonly id: string };
  readonly labels: readonly string[];
  /** the arguments or their preview; undefined where they were not told or were erased */
  readonly args?: unknown;
}

/** A text somebody stands behind, read once. */
export interface Goal {
  /** normalised */
  readonly text: string;
  /** stems */
  readonly words: ReadonlySet<string>;
  /** what it asks to do */
  readonly intent: Intent;
}

/** What a tool gave back. */
export interface Returned {
  readonly runId: string;
  /** normalised */
  readonly text: string;
  /** who stands behind it: `trusted` was labelled so, `unlabelled` nobody said, `untrusted` strangers */
  readonly trust: 'trusted' | 'unlabelled' | 'untrusted';
  readonly directives: readonly Directive[];
  /** what was asked to get it: normalised */
  readonly source: string;
}

/** What is remembered of one run. */
export interface RunHistory {
  readonly runId: string;
  /** the run's own task, or the purpose where it has none */
  readonly own: Goal;
  /** what the person asked for, at the root of the tree */
  readonly root: Goal;
  /** values of the own task that its parent had only from a tool's result: no person asked for them */
  readonly smuggled: readonly string[];
  delegatedSources: readonly string[];
  /** text of those sources, once read: it counts as part of the goal */
  delegated: Goal;
  /** keys of the calls so far, with how often */
  readonly calls: Map<string, number>;
  /** distinct resources read or touched */
  readonly resources: Set<string>;
  /** how many of them the goal had nothing to do with when they were first touched */
  unrelated: number;
  readonly types: Set<string>;
  /** what was refused beyond what the log tells one by one, since the run began or a person resumed it */
  refused: number;
  /** the highest score of any call since the run began, or a person resumed it */
  peak: number;
  /** the highest score that is in the log since then; undefined: none is */
  reported: number | undefined;
  /** where the grant says that something happens; none known before it is issued */
  thresholds: readonly number[];
}

/** What the monitor remembers of a tree. `observe` changes it in place, and nothing else does. */
export interface History {
  root: Goal;
  readonly runs: Map<string, RunHistory>;
  /** the newest, oldest first */
  readonly results: Returned[];
  /** calls whose result has not come back */
  readonly pending: Map<string, { readonly runId: string; readonly call: Call }>;
}
