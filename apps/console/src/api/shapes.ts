import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';

/** An action of the lists, with its decision and outcome. */
export interface Action {
  readonly id: string;
  readonly grantId: string;
  readonly runId: string;
  readonly treeId: string;
  readonly agentClass: string;
  readonly verb: string;
  readonly tool?: string;
  readonly resource: { readonly type: string; readonly id: string };
  readonly effect: string;
  readonly risk: string;
  /** permitted, denied or stepped-up */
  readonly decision: string;
  /** completed, failed or abandoned; left out while the call is in flight */
  readonly outcome?: string;
  readonly approvalId?: string;
  readonly labels: readonly string[];
  readonly reasons: readonly Reason[];
  readonly cost: Readonly<Record<string, number>>;
  readonly time: string;
  readonly position: number;
}

export interface DriftScores {
  readonly runId: string;
  readonly drift?: number;
  readonly scores: readonly {
    readonly actionId?: string;
    readonly score: number;
    readonly features: readonly { readonly name: string; readonly contribution: number; readonly says: string }[];
    readonly time: string;
    readonly position: number;
  }[];
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}
export interface Tree {
  readonly id: string;
  readonly position: number;
  readonly runs: readonly RunView[];
  readonly grants: readonly GrantView[];
  readonly labels: readonly string[];
  /** more of its leases are being read */
  readonly isPartial?: boolean;
}
