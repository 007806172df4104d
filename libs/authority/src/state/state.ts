import type { Agent, Consumed, GrantStatus, Limits, Risk, RunStatus } from '@bailiwick/contracts/grant';
import type { ApprovalKind } from '@bailiwick/contracts/event';
import { LIMITS } from '@bailiwick/core/limits';
import { Deadlines } from './deadlines';
import { Ended } from './retention';
import { RuleSet } from '../revocation/rule-set';
import { Shared } from './shared-values';
import type { MutableUsage } from './usage';
import { Waiting } from './waiting';

/**
 * The folded state of one log. `evolve` is its only writer and changes it in place: a log's owner holds one state, and
 * a million grants are not copied for one permit. A state that may be wrong (a failed commit) is dropped and refolded,
 * never repaired. Trees that ended long ago are forgotten. All but what is named derived or a cache is part of the state's digest (I10).
 */
export interface LogState {
  readonly log: string;
  readonly tenant: string;
  readonly n: number;
  /** the next position (I5) */
  next: number;
  /** time of the newest event, ms: `now` is never earlier */
  lastTime: number;
  /** the events before this position were decided by another installation; 0 where none was */
  imported: number;
  readonly runs: Map<string, RunNode>;
  readonly grants: Map<string, GrantNode>;
  readonly trees: Map<string, TreeNode>;
  /** permits without an outcome */
  readonly actions: Map<string, ActionNode>;
  /** outcomes of the last minutes: a second report is told so (I7) */
  readonly settled: Map<string, SettledNode>;
  /** the same of those that were given up, for longer: what became of them may be reported late */
  readonly abandoned: Map<string, SettledNode>;
  readonly approvals: Map<string, ApprovalNode>;
  /** commands of the last day that came with a client's key */
  readonly keyed: Map<string, CommandNode>;
  /** our own tries of the last minutes */
  readonly tries: Map<string, CommandNode>;
  /** what may still be written about refusals: bucket → when it is full again, ms */
  readonly refusalBuckets: Map<string, number>;
  readonly rules: RuleSet;
  /** by position: stored events that could not be read, and that no operator has set aside for good (`aside.ts`) */
  readonly unreadable: Map<number, UnreadableNode>;
  /** derived from the nodes: what ends by itself, by time */
  readonly deadlines: Deadlines;
  /** derived: the trees in which nothing goes on any more, until they are forgotten */
  readonly ended: Ended<TreeNode>;
  /** derived: binding → approval that is pending for it */
  readonly pendingByBinding: Map<string, string>;
  /** derived: what is asked → the newest approval of it that a person refused */
  readonly refusals: Map<string, string>;
  /** derived: the approvals that wait for a person */
  readonly waiting: Waiting<ApprovalNode>;
  /** cache: what many nodes have in common */
  readonly shared: Shared;
  /** derived: the grants in order of issue; some of them may be forgotten by now */
  readonly order: GrantNode[];
}

export interface RunNode {
  readonly id: string;
  readonly treeId: string;
  readonly parentRunId: string | undefined;
  readonly agent: Agent;
  readonly principalRef: string;
  readonly purposeRef: string;
  readonly startedAt: number;
  /** of RunOpened: where the payload with the purpose in words stands */
  readonly position: number;
  status: RunStatus;
  grantId: string | undefined;
  approvedBy: string | undefined;
  endedAt: number | undefined;
  endReason: string | undefined;
  drift: number;
  pendingApprovals: number;
}

export interface GrantNode {
  readonly id: string;
  readonly treeId: string;
  readonly runId: string;
  readonly parentId: string | undefined;
  readonly depth: number;
  readonly limits: Limits;
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly issuedAt: number;
  readonly position: number;
  readonly supersedes: string | undefined;
  readonly usage: MutableUsage;
  status: GrantStatus;
  supersededBy: string | undefined;
  /** ever made: a budget of its own */
  children: number;
  inFlight: number;
  endedAt: number | undefined;
  endReason: string | undefined;
  revocationId: string | undefined;
  /** cache: the rule epoch this grant was last checked at, and the rule that struck it */
  checkedEpoch: number;
  struckBy: string | undefined;
}

export interface TreeNode {
  readonly id: string;
  readonly rootRunId: string;
  /** label → the first action that carried it */
  readonly labels: Record<string, { actionId: string; runId: string; position: number }>;
  /** time of its last event; undefined while something in it goes on */
  quietAt: number | undefined;
  /** derived: runs that have not ended, permits without an outcome, questions to a person */
  going: number;
  /** derived: permits without an outcome that send, or may */
  readonly sending: readonly ActionNode[];
  /** derived: all that it ever had, in order */
  readonly runs: readonly RunNode[];
  readonly grants: readonly GrantNode[];
  readonly approvals: readonly ApprovalNode[];
}

const NONE: readonly never[] = [];
export const newTree = ({
  id,
  rootRunId,
  labels = {},
  quietAt,
}: Pick<TreeNode, 'id' | 'rootRunId'> & Partial<TreeNode>): TreeNode => ({
  id,
  rootRunId,
  labels,
  quietAt,
  going: 0,
  sending: NONE,
  runs: NONE,
  grants: NONE,
  approvals: NONE,
});

export interface ActionNode {
  readonly id: string;
  readonly grantId: string;
  readonly runId: string;
  readonly treeId: string;
  /** what a rule that names a tool is told of the call */
  readonly verb: string;
  readonly tool: string | undefined;
  readonly charge: Consumed;
  readonly permittedAt: number;
  readonly expiresAt: number;
  /** until then its outcome is waited for */
  readonly outcomeUntil: number;
  readonly position: number;
  /** it is labelled so, whatever it is charged as: it may send */
  readonly maySend: boolean;
}

export interface SettledNode {
  readonly status: 'completed' | 'failed' | 'abandoned';
  readonly runId: string;
  readonly at: number;
  readonly position: number;
  /** of a report that came after it was given up */
  latePosition: number | undefined;
}

export interface ApprovalNode {
  readonly id: string;
  readonly kind: ApprovalKind;
  readonly runId: string;
  readonly treeId: string;
  readonly grantId: string | undefined;
  readonly actionId: string | undefined;
  readonly binding: string;
  readonly risk: Risk;
  readonly limits: Limits | undefined;
  readonly parentId: string | undefined;
  readonly depth: number;
  readonly supersedes: string | undefined;
  /** what its card showed to object; none in an older log */
  readonly objections: readonly string[] | undefined;
  /** what is asked, whoever asks; none in an older log */
  readonly asks: string | undefined;
  /** the question it took the place of */
  readonly replaces: string | undefined;
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly position: number;
  /** how many its run waited for when it was asked for, with this one; 0 once it is answered */
  turn: number;
  /** kind `action`: of the call that it was first asked for, until it is answered */
  verb: string | undefined;
  tool: string | undefined;
  status: 'pending' | 'approved' | 'denied' | 'expired' | 'used';
  by: string | undefined;
  usableUntil: number | undefined;
  decidedAt: number | undefined;
  decidedPosition: number | undefined;
}

/** A stored event that could not be read. */
export interface UnreadableNode {
  readonly position: number;
  /** the tree that is set aside; undefined: the whole log is in doubt */
  readonly treeId: string | undefined;
  /** of its stored bytes */
  readonly bodyDigest: string;
}

/** Where a command's events stand: from them its first answer is told again. */
export interface CommandNode {
  readonly first: number;
  count: number;
  readonly at: number;
  readonly requestDigest: string | undefined;
}

export function emptyState(log: string, tenant: string, n: number): LogState {
  return {
    log,
    tenant,
    n,
    next: 0,
    lastTime: 0,
    imported: 0,
    runs: new Map(),
    grants: new Map(),
    trees: new Map(),
    actions: new Map(),
    settled: new Map(),
    abandoned: new Map(),
    approvals: new Map(),
    keyed: new Map(),
    tries: new Map(),
    refusalBuckets: new Map(),
    rules: new RuleSet(),
    unreadable: new Map(),
    deadlines: new Deadlines(),
    ended: new Ended(),
    pendingByBinding: new Map(),
    refusals: new Map(),
    waiting: new Waiting(),
    shared: new Shared(),
    order: [],
  };
}

/** Did this command come with a client's key, so that its answer outlives our own retries? */
export const isKeyed = (commandId: string): boolean => commandId.startsWith('idk_');

/** The first answer to a command is kept for so long. */
export const keepMs = (keyed: boolean): number => (keyed ? LIMITS.idempotencyMs : LIMITS.internalRetryMs);

/** The grant that stands in the place of `id` now: escalations supersede. */
export function current(state: LogState, id: string): GrantNode | undefined {
  let node = state.grants.get(id);
  while (node?.supersededBy !== undefined) node = state.grants.get(node.supersededBy);
  return node;
}

/** The grant and its ancestors, leaf first. Depth, never size. A chain that is broken or too long is none (I11). */
export function chainOf(state: LogState, id: string): GrantNode[] | undefined {
  const chain: GrantNode[] = [];
  let node = current(state, id);
  while (node) {
    chain.push(node);
    if (chain.length > LIMITS.treeDepth + 1) return undefined;
    if (node.parentId === undefined) return chain;
    node = current(state, node.parentId);
  }
  return undefined;
}

/** The outcome of an action that ended lately. */
export const settledOf = (state: LogState, actionId: string): SettledNode | undefined =>
  state.settled.get(actionId) ?? state.abandoned.get(actionId);
