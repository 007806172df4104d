import type { z } from 'zod';
import type { Consumed, DimensionName, Effect, Posture, Risk } from '@bailiwick/contracts/grant';
import type { ReasonCode } from '@bailiwick/contracts/codes';
import type { Result } from '@bailiwick/core/result';

/** One action as the dimensions see it: every name normalised, every default filled in. */
export interface ActionFacts {
  readonly verb: string;
  readonly tool: string | undefined;
  /** the strictest of its effects */
  readonly effect: Effect;
  /** all of them, if there are several: each is charged */
  readonly effects?: readonly Effect[] | undefined;
  readonly risk: Risk;
  /** the run states this of itself, and no enforcement point has seen it: it can only make the decision stricter */
  readonly stated?: 'run' | undefined;
  readonly resource: {
    readonly type: string;
    readonly id: string;
    readonly attributes: Readonly<Record<string, string | number | boolean>>;
  };
  /** what will be reserved, in minor units per currency */
  readonly cost: Readonly<Record<string, number>>;
  readonly agentClass: string;
  /** what the acting run declared when it was opened */
  readonly declaredPosture: Posture;
  /** what the enforcement point sees now; undefined: not told */
  readonly currentPosture: Posture | undefined;
  /** `vouched`: an enforcement point of ours checked the session; else the thumbprint the caller proved, if any */
  readonly proof: { readonly vouched: true } | { readonly vouched: false; readonly jkt: string | undefined };
}

/** What a grant has used up, and holds for actions in flight. */
export interface Usage {
  readonly committed: Consumed;
  readonly reserved: Consumed;
  /** one entry per `limits.budget.windows` entry, same order */
  readonly windows: readonly WindowUsage[];
}

/** Rolling window in buckets of per/256; a bucket counts until its newest entry has left the window. */
export interface WindowUsage {
  readonly buckets: readonly { readonly start: number; readonly used: Consumed }[];
}

/** What a decision knows of one grant of the chain beside its limits. */
export interface Situation {
  readonly usage: Usage;
  /** the newest drift score of the acting run, 0..1; `unavailable` where it was needed and could not be had */
  readonly drift: number | 'unavailable';
  /** this grant is the acting run's own, not an ancestor's */
  readonly leaf: boolean;
}

export interface Verdict {
  readonly outcome: 'permit' | 'step-up' | 'deny';
  readonly code?: ReasonCode;
  readonly message: string;
  readonly path?: string;
  readonly limit?: unknown;
  readonly actual?: unknown;
}

/** Where a child is wider than its parent. */
export interface Violation {
  readonly dimension: DimensionName;
  /** e.g. `budget.cost.USD` */
  readonly path: string;
  readonly parent: unknown;
  readonly child: unknown;
  /** one sentence for a person */
  readonly message: string;
}

/**
 * One independent limit of a grant. I1 for each: `attenuates(child, parent)` is ok only if every action that `admits`
 * under `child` is admitted under `parent`, at every time and with the same usage.
 */
export interface Dimension<Limit> {
  readonly name: DimensionName;
  readonly schema: z.ZodType<Limit>;
  readonly unlimited: Limit;
  /** the tighter of both: admits only what both admit */
  meet(a: Limit, b: Limit): Limit;
  attenuates(child: Limit, parent: Limit): Result<void, Violation[]>;
  admits(limit: Limit, action: ActionFacts, situation: Situation, now: number): Verdict;
  /** for consent cards and receipts: plain words */
  describe(limit: Limit): string;
}
