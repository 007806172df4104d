import type { ApprovalScope } from '@bailiwick/contracts/approvals/approval-scope';
import type { AskedBundle } from '@bailiwick/contracts/approvals/asked-bundle';
import type { Agent, Consumed, Effect, GrantStatus, Limits, Risk, RunStatus } from '@bailiwick/contracts/grants/grant';
import type { ApprovalKind } from '@bailiwick/contracts/events/event';
import type { Regranted } from '@bailiwick/contracts/revocations/regrants';
import { LIMITS } from '@bailiwick/core/limits';
import { Deadlines } from './deadlines';
import { OpenChildren } from './open-children';
import { Ended } from './retention';
import { RuleSet } from '../revocation/rule-set';
import { Responders } from '../responders/responders';
import type { Kept } from '../sequences/kept';
import { Policies } from './policies';
import { Purses } from './purses';
import { Shared } from './shared-values';
import type { Covered } from './scopes';
import type { MutableUsage } from './usage';
import { Waiting } from './waiting';

/**
 * The folded state of one log. `evolve` is its only writer and changes it in place: a log's owner holds one state and
 * does not copy a million grants for one permit. A state that may be wrong (a failed commit) is dropped and refolded,
 * never repaired. Trees that ended long ago are forgotten. All members are part of the state's digest (I10), except
 * those marked as derived or as a cache.
 */
export interface LogState {
  readonly log: string;
  readonly tenant: string;
  readonly n: number;
  /** the next position (I5) */
  next: number;
  /** time of the newest event, ms: `now` is never earlier */
  lastTime: number;
  /** the events before this position were decided by another installation; 0 if the log was not imported */
  imported: number;
  readonly runs: Map<string, RunNode>;
  readonly grants: Map<string, GrantNode>;
  readonly trees: Map<string, TreeNode>;
  /** permits without an outcome */
  readonly actions: Map<string, ActionNode>;
  /** recent outcomes, to answer a second report (I7) */
  readonly settled: Map<string, SettledNode>;
  /** outcomes of abandoned actions, kept longer since their actual outcome may be reported late */
  readonly abandoned: Map<string, SettledNode>;
  readonly approvals: Map<string, ApprovalNode>;
  /** commands of the last day that came with a client's key */
  readonly keyed: Map<string, CommandNode>;
  /** recent retries without a client's key */
  readonly tries: Map<string, CommandNode>;
  /** the refusal budgets: bucket → the time at which it is full again, ms */
  readonly refusalBuckets: Map<string, number>;
  /** what is asked → the newest denial of it by a person, if the policy stated for how long it applies */
  readonly coolDowns: Map<string, CoolDown>;
  /** run with a renewable lease → its denied decisions since the last permit, if there are any */
  readonly denialStreaks: Map<string, number>;
  /** grant → its last narrowing, if there was one */
  readonly narrowed: Map<string, NarrowedNode>;
  /** grant → the digest of the manifest of its class beyond which a person approved it, if one did */
  readonly approvedBeyond: Map<string, string>;
  /** action without a final outcome → the leases that end if it is completed, if there are any */
  readonly ends: Map<string, readonly string[]>;
  readonly rules: RuleSet;
  /** the accounts of the tenant budgets */
  readonly purses: Purses;
  /** what the responders have counted and done */
  readonly responders: Responders;
  /** the bundles that the tenant deployed, and the one in force */
  readonly policies: Policies;
  /** grant → the run that suspended it, if a run did: only that run may resume it without a person */
  readonly heldByRun: Map<string, string>;
  /** root lease that a revocation ended → the newest run that was opened to have what was left of it */
  readonly regranted: Map<string, string>;
  /** by position: stored events that could not be read and that no operator has set aside (`set-aside.ts`) */
  readonly unreadable: Map<number, UnreadableNode>;
  /** derived from the nodes: pending deadlines by time */
  readonly deadlines: Deadlines;
  /** derived: the trees that have ended, until they are forgotten */
  readonly ended: Ended<TreeNode>;
  /** derived: binding → its pending approval */
  readonly pendingByBinding: Map<string, string>;
  /** derived: what is asked → the newest approval of it that a person refused */
  readonly refusals: Map<string, string>;
  /** derived: the pending approvals */
  readonly waiting: Waiting<ApprovalNode>;
  /** derived: the number of children of each run that have not ended */
  readonly openChildren: OpenChildren;
  /** cache: values that many nodes share */
  readonly shared: Shared;
  /** derived: the grants in order of issue; some of them may be forgotten */
  readonly order: GrantNode[];
}

export interface RunNode {
  readonly id: string;
  readonly treeId: string;
  readonly parentRunId: string | undefined;
  readonly agent: Agent;
  readonly principalRef: string;
  readonly purposeRef: string;
  /** the person that opened it; undefined if no person did */
  readonly openedBy: string | undefined;
  /** the ended lease of which it was opened to have what was left, and what ended that */
  readonly regrants?: Regranted;
  readonly startedAt: number;
  /** of RunOpened, whose payload holds the human-readable purpose */
  readonly position: number;
  status: RunStatus;
  grantId: string | undefined;
  /** the person whose answer issued its lease */
  approvedBy: string | undefined;
  /**
   * all whose approval its lease or a call of it has had, in the order of their first one, at most `LIMITS.runApprovers`;
   * undefined if that is `approvedBy` alone
   */
  approvers: readonly string[] | undefined;
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
  /** changed by a renewal or a narrowing */
  limits: Limits;
  notBefore: number;
  expiresAt: number;
  readonly issuedAt: number;
  readonly position: number;
  readonly supersedes: string | undefined;
  usage: MutableUsage;
  status: GrantStatus;
  supersededBy: string | undefined;
  /** all children ever created, counted separately from those that are live */
  children: number;
  inFlight: number;
  endedAt: number | undefined;
  endReason: string | undefined;
  revocationId: string | undefined;
  /** cache: the rule epoch at which this grant was last checked, and the rule that struck it */
  checkedEpoch: number;
  struckBy: string | undefined;
}

export interface TreeNode {
  readonly id: string;
  readonly rootRunId: string;
  /** label → the first action that carried it */
  readonly labels: Record<string, { actionId: string; runId: string; position: number }>;
  /** what the rules over sequences keep of it, if anything */
  kept: Kept | undefined;
  /** time of its last event; undefined until the tree has ended */
  quietAt: number | undefined;
  /** derived: the number of open runs, permits without an outcome and pending approvals */
  going: number;
  /** derived: permits without an outcome that send or may send */
  readonly sending: readonly ActionNode[];
  /** derived: all runs that it ever had, in order */
  readonly runs: readonly RunNode[];
  readonly grants: readonly GrantNode[];
  readonly approvals: readonly ApprovalNode[];
}

const NONE: readonly never[] = [];
export const newTree = ({
  id,
  rootRunId,
  labels = {},
  kept,
  quietAt,
}: Pick<TreeNode, 'id' | 'rootRunId'> & Partial<TreeNode>): TreeNode => ({
  id,
  rootRunId,
  labels,
  kept,
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
  /** for rules that name a tool */
  readonly verb: string;
  readonly tool: string | undefined;
  readonly charge: Consumed;
  readonly permittedAt: number;
  readonly expiresAt: number;
  /** the time until which its outcome is accepted */
  readonly outcomeUntil: number;
  readonly position: number;
  /** its labels state that it may send, whatever it is charged as */
  readonly maySend: boolean;
  /** the class of the agent that it calls, if its resource is an agent; null once that agent has acted for it */
  callsAgent: string | null | undefined;
  /** the tenant budgets that it draws from */
  readonly purses: readonly string[] | undefined;
  /** the scopes that it is charged to; absent if there are none */
  covered?: readonly Covered[];
  /** the boundary got the permit, carries the call out, and alone knows what came of it; absent otherwise */
  readonly isOfBoundary?: true;
}

export interface SettledNode {
  readonly status: 'completed' | 'failed' | 'abandoned';
  readonly runId: string;
  readonly at: number;
  readonly position: number;
  /** of the report that arrived after the action was abandoned */
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
  /** the person that asked; undefined if no person did */
  readonly askedBy: string | undefined;
  /** the objections that its card showed; undefined in an older log */
  readonly objections: readonly string[] | undefined;
  /** identifies the request, independent of the run that asks; undefined in an older log */
  readonly asks: string | undefined;
  /** kind `escalation`: the bundle of the manifest that it asks for */
  readonly bundle: AskedBundle | undefined;
  /** the approval that it replaced */
  readonly replaces: string | undefined;
  /** the lease that it would raise, or that its action uses, as it was when it was requested */
  readonly held: HeldLease | undefined;
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly position: number;
  /** the number of pending approvals of its run when it was requested, including this one; 0 once it is answered */
  turn: number;
  /** kind `action`: the verb of the call, until the approval is answered */
  verb: string | undefined;
  tool: string | undefined;
  resource: { readonly type: string; readonly id: string } | undefined;
  /** what else of the call the policy about approvals reads; like `verb`, also while an approval of a wider scope lasts */
  call: AskedCall | undefined;
  /** the answers of different people, in order; undefined if there are none, or `by` states all of the only one */
  answers: readonly GivenAnswer[] | undefined;
  /** pending: the limits that earlier people left, if they are less than those asked for */
  less: Limits | undefined;
  /** what it covers, if it is more than the call; pending: what earlier people left */
  scope: ApprovalScope | undefined;
  breakGlass: true | undefined;
  /** denied: the time until which the policy refuses the same request; `coolDowns` has it, too */
  refusedUntil: number | undefined;
  status: 'pending' | 'approved' | 'denied' | 'expired' | 'used' | 'withdrawn';
  by: string | undefined;
  usableUntil: number | undefined;
  decidedAt: number | undefined;
  decidedPosition: number | undefined;
}

/** Facts of a call for which a person is asked, in addition to its names. */
export interface AskedCall {
  readonly effects: readonly Effect[];
  readonly stated?: 'run';
  readonly cost: Readonly<Record<string, number>>;
  readonly units?: Readonly<Record<string, number>>;
}

/** The answer of one person, with what the policy about approvals reads of the person. */
export interface GivenAnswer {
  readonly by: string;
  readonly verdict: 'approve' | 'deny';
  readonly at: number;
  /** of its event; the position of an answer that is not committed yet is that of the next event */
  readonly position: number;
  readonly role?: string;
  readonly groups?: readonly string[];
}

/** A denial by a person that applies for a time of the policy, longer than its tree if need be. */
export interface CoolDown {
  readonly approvalId: string;
  readonly by: string;
  readonly at: number;
  readonly position: number;
  readonly until: number;
}

/** A lease at some time: a later renewal or narrowing replaces its limits. */
export interface HeldLease {
  readonly limits: Limits;
  readonly narrowed: NarrowedNode | undefined;
}

/** The last narrowing of a lease. */
export interface NarrowedNode {
  readonly position: number;
  readonly at: number;
  /** the id of its actor */
  readonly by: string;
  /** the keys of windows and scopes that narrowings of the lease added: they do not count what was used before */
  readonly added?: readonly string[];
}

/** A stored event that could not be read. */
export interface UnreadableNode {
  readonly position: number;
  /** the tree that is set aside; undefined if the whole log is in doubt */
  readonly treeId: string | undefined;
  /** of its stored bytes */
  readonly bodyDigest: string;
}

/** The positions of a command's events, from which its original response is rebuilt. */
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
    coolDowns: new Map(),
    denialStreaks: new Map(),
    narrowed: new Map(),
    approvedBeyond: new Map(),
    ends: new Map(),
    rules: new RuleSet(),
    purses: new Purses(),
    responders: new Responders(),
    policies: new Policies(),
    heldByRun: new Map(),
    regranted: new Map(),
    unreadable: new Map(),
    deadlines: new Deadlines(),
    ended: new Ended(),
    pendingByBinding: new Map(),
    refusals: new Map(),
    waiting: new Waiting(),
    openChildren: new OpenChildren(),
    shared: new Shared(),
    order: [],
  };
}

/**
 * Reports whether a command came with a client's key, so that its response is kept longer than for internal retries.
 */
export const isKeyed = (commandId: string): boolean => commandId.startsWith('idk_');

/** Returns how long the original response to a command is kept, in ms. */
export const keepMs = (keyed: boolean): number => (keyed ? LIMITS.idempotencyMs : LIMITS.internalRetryMs);

/** Returns the present state of the lease of an approval: the one that it would raise, or that its action uses. */
export function heldBy(
  { grants, narrowed }: LogState,
  { supersedes, grantId }: Pick<ApprovalNode, 'supersedes' | 'grantId'>,
): HeldLease | undefined {
  const grant = grants.get(supersedes ?? grantId ?? '');
  return grant && { limits: grant.limits, narrowed: narrowed.get(grant.id) };
}

/** Returns the grant that currently replaces `id`: escalations supersede grants. */
export function current(state: LogState, id: string): GrantNode | undefined {
  let node = state.grants.get(id);
  while (node?.supersededBy !== undefined) node = state.grants.get(node.supersededBy);
  return node;
}

/** Returns the grant and its ancestors, leaf first, in O(depth). Undefined if the chain is broken or too long (I11). */
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

/** Returns the outcome of an action that ended recently. */
export const settledOf = (state: LogState, actionId: string): SettledNode | undefined =>
  state.settled.get(actionId) ?? state.abandoned.get(actionId);
