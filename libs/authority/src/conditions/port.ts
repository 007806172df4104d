import type { Consumed, Agent } from '@bailiwick/contracts/grants/grant';
import type { ConditionEntry } from '@bailiwick/contracts/policy/condition';
import type { ActionFacts } from '../dimensions/dimension';

/** The Cedar policies of a bundle, as texts. An evaluator keeps what it makes of them by this object. */
export interface Conditions {
  readonly texts: readonly string[];
}

export const conditionsOf = (entries: readonly ConditionEntry[] | undefined): Conditions | undefined =>
  entries === undefined || entries.length === 0 ? undefined : { texts: entries.map(({ cedar }) => cedar) };

/** A call as conditions see it: recorded values only, so that it is the same when the call is decided again. */
export interface ConditionCall {
  readonly run: { readonly id: string; readonly treeId: string; readonly agent: Agent; readonly principalRef: string };
  readonly facts: ActionFacts;
  readonly labels: readonly string[];
  /** what is reserved */
  readonly charge: Consumed;
}

/** A condition that forbids a call, or that cannot be decided for it and therefore forbids it. */
export interface ConditionObjection {
  /** of its annotation `@id`; undefined if all conditions are at fault */
  readonly id: string | undefined;
  /** of its annotation `@reason` */
  readonly says?: string | undefined;
  /** why it cannot be decided */
  readonly fault?: string | undefined;
}

/** Evaluates the conditions of a bundle. Pure: the same conditions and call give the same objections. Never throws. */
export type JudgeConditions = (conditions: Conditions, call: ConditionCall) => readonly ConditionObjection[];
