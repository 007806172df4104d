import type { z } from 'zod';
import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Consumed, DimensionName, Effect, Posture, Risk } from '@bailiwick/contracts/grants/grant';
import type { ReasonCode } from '@bailiwick/contracts/error-codes';
import type { Stage } from '@bailiwick/contracts/policy/catalog-entry';
import type { Result } from '@bailiwick/core/result';

/** One action as the dimensions receive it: every name normalized, every default filled in. */
export interface ActionFacts {
  readonly verb: string;
  readonly tool: string | undefined;
  /** the strictest of its effects */
  readonly effect: Effect;
  /** all its effects, if it has several: each is charged */
  readonly effects?: readonly Effect[] | undefined;
  readonly risk: Risk;
  /** the stage of its work; modes admit every action that only reads, whatever its stage */
  readonly stage: Stage;
  /** the run itself states this and no enforcement point has checked it: it can only make the decision stricter */
  readonly stated?: 'run' | undefined;
  readonly resource: {
    readonly type: string;
    readonly id: string;
    readonly attributes: Readonly<Record<string, Attribute>>;
  };
  /** the reservation, in minor units per currency */
  readonly cost: Readonly<Record<string, number>>;
  /** the reserved units, if it states any */
  readonly units?: Readonly<Record<string, number>> | undefined;
  readonly agentClass: string;
  /** the issuer whose token attested the declared posture; undefined: none */
  readonly attestedBy?: string | undefined;
  /** the posture that the acting run declared when it was opened */
  readonly declaredPosture: Posture;
  /** the posture that the enforcement point observes now; undefined: not stated */
  readonly currentPosture: Posture | undefined;
  /**
   * `vouched`: an enforcement point of this installation checked the session; else the thumbprint that the caller
   * proved
   */
  readonly proof: { readonly vouched: true } | { readonly vouched: false; readonly jkt: string | undefined };
}

/** The usage of a grant: what it has used, and what it reserves for actions in flight. */
export interface Usage {
  readonly committed: Consumed;
  readonly reserved: Consumed;
  /** one entry per `limits.budget.windows` entry, same order */
  readonly windows: readonly WindowUsage[];
  /** one entry per scope of the lease (`state/scopes.ts`), same order */
  readonly scopes?: readonly Consumed[];
}

/**
 * A rolling window in buckets of per/256; a bucket counts until its newest entry has left the window. A calendar window has
 * one bucket, its newest period, with its end.
 */
export interface WindowUsage {
  readonly buckets: readonly { readonly start: number; readonly end?: number; readonly used: Consumed }[];
}

/** What a decision knows about one grant of the chain in addition to its limits. */
export interface Situation {
  readonly usage: Usage;
  /** the newest drift score of the acting run, 0..1; `unavailable` if it was needed and could not be determined */
  readonly drift: number | 'unavailable';
  /** the share of any cap of the grant beyond which a person is asked; left out: no share */
  readonly askAt?: number | undefined;
  /** the modes of the grant read stages (`actions.stages`) */
  readonly stages: boolean;
  /** true for the grant of the acting run itself, false for an ancestor */
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

/** A place where a child is wider than its parent. */
export interface Violation {
  readonly dimension: DimensionName;
  /** e.g. `budget.cost.USD` */
  readonly path: string;
  readonly parent: unknown;
  readonly child: unknown;
  /** one human-readable sentence */
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
  /** returns the tighter of both: admits only what both admit */
  meet(a: Limit, b: Limit): Limit;
  /** @param effort multiplies the bound on work, beyond which the answer is that the child is wider; 1 by default */
  attenuates(child: Limit, parent: Limit, effort?: number): Result<void, Violation[]>;
  admits(limit: Limit, action: ActionFacts, situation: Situation, now: number): Verdict;
  /**
   * describes the limit in plain language, for consent cards and receipts
   * @param stages the modes of the lease read stages; true by default
   */
  describe(limit: Limit, stages?: boolean): string;
}
