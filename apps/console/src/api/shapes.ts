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

export interface Preview {
  readonly digest: string;
  readonly counts: PreviewCounts;
  readonly targets?: Readonly<Record<string, PreviewCounts>>;
  readonly byClass: Readonly<Record<string, number>>;
  readonly sample: readonly { readonly grantId: string; readonly runId: string; readonly agentClass: string }[];
  readonly asOf: number;
}

export interface Revocation {
  readonly revocationId: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly quarantine: boolean;
  readonly position: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly consequences: readonly {
    readonly grantId: string;
    readonly runId: string;
    readonly agentClass: string;
    readonly inFlight: number;
    readonly pendingApprovals: number;
    readonly reservedCost: Readonly<Record<string, number>>;
  }[];
}

export interface PreviewCounts {
  readonly grants: number;
  readonly runs: number;
  readonly trees: number;
  readonly agents: number;
  readonly inFlight: number;
  readonly pendingApprovals: number;
  readonly pendingRuns: number;
  readonly reservedCost: Readonly<Record<string, number>>;
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
