import type { Effect, Risk } from '@bailiwick/contracts/grants/grant';
import type { Intent } from './families';
import type { Order } from './orders';

/** One call, as far as the monitor knows it. */
export interface Call {
  readonly verb: string;
  readonly tool?: string | undefined;
  readonly effect: Effect;
  readonly resource: { readonly type: string; readonly id: string };
  readonly labels: readonly string[];
  /** of the policy's catalog; undefined where it is not known */
  readonly risk?: Risk | undefined;
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
  readonly orders: readonly Order[];
  /** normalized, without the orders */
  readonly rest: string;
  /** the tool or verb that produced it */
  readonly tool: string;
  /** the request for it has an identifier that the goal names */
  readonly named: boolean;
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
  /** sources to which the goal hands authority by its words */
  readonly handsTo: readonly string[];
  /** the parts of results that are from them: what they ask for counts less, and not as the goal */
  handed: Goal;
  /** identifiers of the goal */
  readonly names: readonly string[];
  /** verbs of the calls so far */
  readonly verbs: Set<string>;
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
