import { canonicalDigest } from '#kernel/digest';
import { addApproval } from './evolve/approvals';
import { addGrant } from './evolve/grants';
import {
  emptyState,
  type ActionNode,
  type ApprovalNode,
  type CommandNode,
  type GrantNode,
  type LogState,
  type RunNode,
  type SettledNode,
  type TreeNode,
} from './state';

/** Names the fold: a snapshot of another version is not read but the log refolded. Raise it with any change of a node. */
export const FOLD_VERSION = 5;

interface Plain {
  log: string;
  tenant: string;
  n: number;
  next: number;
  lastTime: number;
  runs: RunNode[];
  grants: Omit<GrantNode, 'checkedEpoch' | 'struckBy'>[];
  trees: TreeNode[];
  actions: ActionNode[];
  settled: [string, SettledNode][];
  approvals: ApprovalNode[];
  keyed: [string, CommandNode][];
  tries: [string, CommandNode][];
  rules: LogState['rules']['list'];
}

/** The whole state as plain values; caches and what is derived are left out. Lists are in the order of insertion. */
export function toPlain(state: LogState): Plain {
  return {
    log: state.log,
    tenant: state.tenant,
    n: state.n,
    next: state.next,
    lastTime: state.lastTime,
    runs: [...state.runs.values()],
    grants: state.order.map(({ checkedEpoch: _epoch, struckBy: _struck, ...grant }) => grant),
    trees: [...state.trees.values()],
    actions: [...state.actions.values()],
    settled: [...state.settled],
    approvals: [...state.approvals.values()],
    keyed: [...state.keyed],
    tries: [...state.tries],
    rules: state.rules.list,
  };
}

export function toSnapshot(state: LogState): string {
  return JSON.stringify(toPlain(state));
}

/** The way back. Deadlines, indexes and caches are made anew from the nodes. */
export function fromSnapshot(text: string): LogState {
  const plain = JSON.parse(text) as Plain;
  const state = emptyState(plain.log, plain.tenant, plain.n);
  state.next = plain.next;
  state.lastTime = plain.lastTime;
  for (const run of plain.runs) state.runs.set(run.id, complete(run, RUN_OPTIONAL));
  for (const rule of plain.rules) state.rules.add(complete(rule, ['issuedBefore']));
  for (const grant of plain.grants) {
    addGrant(state, { ...complete(grant, GRANT_OPTIONAL), checkedEpoch: 0, struckBy: undefined });
  }
  for (const tree of plain.trees) state.trees.set(tree.id, tree);
  for (const action of plain.actions) {
    state.actions.set(action.id, action);
    state.deadlines.add({ at: action.expiresAt, kind: 'action', id: action.id });
  }
  for (const [id, node] of plain.settled) state.settled.set(id, node);
  for (const approval of plain.approvals) addApproval(state, complete(approval, APPROVAL_OPTIONAL));
  for (const [id, node] of plain.keyed) state.keyed.set(id, complete(node, ['requestDigest']));
  for (const [id, node] of plain.tries) state.tries.set(id, complete(node, ['requestDigest']));
  return state;
}

const RUN_OPTIONAL = ['parentRunId', 'grantId', 'approvedBy', 'endedAt', 'endReason'] as const;
const GRANT_OPTIONAL = ['parentId', 'supersedes', 'supersededBy', 'endedAt', 'endReason', 'revocationId'] as const;
const APPROVAL_OPTIONAL = [
  'grantId',
  'actionId',
  'limits',
  'parentId',
  'supersedes',
  'by',
  'usableUntil',
  'decidedAt',
  'decidedPosition',
] as const;

/** JSON drops what is undefined; nodes have all their members always, so that they stay of one hidden class. */
function complete<T extends object>(node: T, optional: readonly (keyof T)[]): T {
  for (const key of optional) if (!(key in node)) (node as Record<PropertyKey, unknown>)[key] = undefined;
  return node;
}

/** Digest of the folded state: equal on every fold of the same log (I10). */
export function stateDigest(state: LogState): string {
  return canonicalDigest(JSON.parse(toSnapshot(state)));
}
