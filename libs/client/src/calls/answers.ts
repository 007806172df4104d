import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';

export interface Granted {
  run: RunView;
  grant: GrantView;
  token: string;
  expiresAt: string;
  position: number;
}
export interface Pending {
  run: RunView;
  approval: ApprovalView;
}
export interface EventItem {
  log: string;
  position: number;
  id: string;
  type: string;
  time: string;
  treeId?: string;
  runId?: string;
  grantId?: string;
  actionId?: string;
  actor: { kind: string; id: string };
  data: Record<string, unknown>;
}

export interface Erased {
  erasure: { subjectRef: string; before: number; runs: number; payloads: number; name?: true | undefined };
  position: number;
  /** false: the erasure continues; repeat the call with the same key to learn when it is done */
  done: boolean;
}

/** A half-open period, as RFC 3339 times. */
export interface ReceiptPeriod {
  readonly from: string;
  readonly until: string;
}
