import { canonicalize } from '@bailiwick/core/canonical';
import { LIMITS } from '@bailiwick/core/limits';
import { dropEnded } from '../events/evolve';
import { addApproval } from '../events/approval-events';
import { fillTrees } from '../events/ended';
import { addGrant } from '../events/grant-events';
import { addRule } from '../revocation/add-rule';
import type { Rule } from '../revocation/rule-set';
import {
  commandOf,
  commandRow,
  RowReader,
  Rows,
  type ActionRow,
  type CommandRow,
  type GrantRow,
  type RunRow,
  type SettledRow,
} from './snapshot-rows';
import { compiledText, type DeployedVersion, type PendingParts, type PolicyNode, type ShadowNode } from './policies';
import { budgetOf, type PurseNode } from './purses';
import type { Firing, PreparedNode, ResponderNode } from '../responders/responders';
import type { WindowCount } from '../responders/window-count';
import { keptOf, keptRow, type KeptRow } from '../sequences/kept';
import {
  emptyState,
  heldBy,
  newTree,
  type ApprovalNode,
  type CoolDown,
  type LogState,
  type NarrowedNode,
  type TreeNode,
  type UnreadableNode,
} from './state';

/**
 * The version of the fold. A snapshot of another version is ignored and the log refolded. Raise it with any change of a
 * node.
 */
export const FOLD_VERSION = 24;

/**
 * The state of a log as lines of JSON, `[kind, value]`: first the log itself, then its nodes in the order of insertion.
 * A million grants do not fit into one string, so the lines are produced one after the other. Caches and derived
 * members are left out. A value that many nodes share is stored once, in a line `shared`, and referred to by its
 * number. The last line of a snapshot holds the number of lines before it: without a rule, grants that it revoked would
 * be live again (I2).
 */
type Line =
  | ['log', Pick<LogState, 'log' | 'tenant' | 'n' | 'next' | 'lastTime'> & Partial<Pick<LogState, 'imported'>>]
  | ['shared', unknown]
  | ['run', RunRow]
  | ['rule', Rule]
  | ['purse', PurseLine]
  | ['naming', [principalRef: string, positions: number[]]]
  | ['policyVersion', DeployedVersion]
  /** the text of the last of these versions */
  | ['policy', string]
  | ['policyParts', PendingParts]
  | ['policyShadow', ShadowNode]
  | ['responder', ResponderLine]
  | ['firing', Firing]
  | ['prepared', PreparedNode]
  /** times of the suspensions of all responders */
  | ['responded', number[]]
  | ['unreadable', UnreadableNode]
  | ['grant', GrantRow]
  | ['tree', TreeLine]
  | ['action', ActionRow]
  | ['settled', SettledRow]
  | ['approval', ApprovalLine]
  | ['keyed' | 'tries', CommandRow]
  | ['heldByRun' | 'regranted', [grantId: string, runId: string]]
  | ['refusalBucket', [string, number]]
  | ['coolDown', [asks: string, denial: CoolDown]]
  | ['denialStreak', [string, number]]
  | ['narrowed', [string, NarrowedNode]]
  | ['approvedBeyond', [grantId: string, manifest: string]]
  | ['ends', [string, readonly string[]]];
type TreeLine = Pick<TreeNode, 'id' | 'rootRunId' | 'labels'> &
  Partial<Pick<TreeNode, 'quietAt'>> & { readonly kept?: KeptRow };
type ResponderLine = Omit<ResponderNode, 'counts' | 'quiet'> & {
  readonly counts: [string, WindowCount][];
  readonly quiet: [string, number][];
};
type PurseLine = Omit<PurseNode, 'budget'>;
type ApprovalLine = Omit<ApprovalNode, 'turn' | 'held'> & Partial<Pick<ApprovalNode, 'turn' | 'held'>>;
type End = ['end', number];

/** Yields the lines of a state in strings of a few megabytes at most. */
export function* toParts(state: LogState): Generator<string> {
  let lines: string[] = [];
  let size = 0;
  for (const line of counted(linesOf(state))) {
    const text = JSON.stringify(line);
    lines.push(text);
    size += text.length;
    if (size < LIMITS.snapshotPartChars) continue;
    yield lines.join('\n');
    lines = [];
    size = 0;
  }
  if (lines.length > 0) yield lines.join('\n');
}

function* counted(lines: Iterable<Line>): Generator<Line | End> {
  let count = 0;
  for (const line of lines) {
    yield line;
    count += 1;
  }
  yield ['end', count];
}

/** Returns the lines of a snapshot without the count at its end. */
export function* linesOf(state: LogState): Generator<Line> {
  const { log, tenant, n, next, lastTime, imported } = state;
  yield ['log', { log, tenant, n, next, lastTime, ...(imported === 0 ? {} : { imported }) }];
  const values = new ValueTable();
  const rows = new Rows(values);
  for (const run of state.runs.values()) {
    const row = rows.ofRun(run);
    yield* values.fresh();
    yield ['run', row];
  }
  for (const rule of state.rules.list) yield ['rule', rule];
  for (const { budget: _, ...purse } of state.purses.values()) yield ['purse', purse];
  for (const entry of state.purses.naming) yield ['naming', entry];
  const { versions, current, pending, shadow } = state.policies;
  for (const version of versions) yield ['policyVersion', version];
  if (current) yield ['policy', current.text];
  if (pending) yield ['policyParts', pending];
  if (shadow) yield ['policyShadow', shadow];
  for (const node of state.responders.nodes.values())
    yield ['responder', { ...node, counts: [...node.counts], quiet: [...node.quiet] }];
  for (const firing of state.responders.pending.values()) yield ['firing', firing];
  for (const prepared of state.responders.prepared) yield ['prepared', prepared];
  if (state.responders.suspended.length > 0) yield ['responded', state.responders.suspended];
  for (const node of state.unreadable.values()) yield ['unreadable', node];
  for (const grant of state.grants.values()) {
    const row = rows.ofGrant(grant);
    yield* values.fresh();
    yield ['grant', row];
  }
  for (const entry of state.heldByRun) yield ['heldByRun', entry];
  for (const entry of state.regranted) yield ['regranted', entry];
  for (const tree of state.trees.values()) yield ['tree', treeLine(tree)];
  for (const action of state.actions.values()) {
    const row = rows.ofAction(action, state.grants.get(action.grantId));
    yield* values.fresh();
    yield ['action', row];
  }
  for (const entry of state.settled) yield ['settled', rows.ofSettled(entry)];
  for (const entry of state.abandoned) yield ['settled', rows.ofSettled(entry)];
  for (const entry of state.narrowed) yield ['narrowed', entry];
  for (const entry of state.approvedBeyond) yield ['approvedBeyond', entry];
  for (const approval of state.approvals.values()) yield ['approval', approvalLine(state, approval)];
  for (const entry of state.keyed) yield ['keyed', commandRow(entry)];
  for (const entry of state.tries) yield ['tries', commandRow(entry)];
  for (const entry of state.refusalBuckets) yield ['refusalBucket', entry];
  for (const entry of state.coolDowns) yield ['coolDown', entry];
  for (const entry of state.denialStreaks) yield ['denialStreak', entry];
  for (const entry of state.ends) yield ['ends', entry];
}

/** Assigns numbers to values by their canonical JSON, in the order of their first use. */
class ValueTable {
  private readonly byText = new Map<string, number>();
  private readonly byIdentity = new Map<unknown, number>();
  private unwritten: Line[] = [];

  numberOf(value: unknown): number {
    const known = this.byIdentity.get(value);
    if (known !== undefined) return known;
    const text = canonicalize(value);
    let number = this.byText.get(text);
    if (number === undefined) {
      number = this.byText.size;
      this.byText.set(text, number);
      this.unwritten.push(['shared', value]);
    }
    this.byIdentity.set(value, number);
    return number;
  }

  /** Takes the lines of the values that were numbered since the last call. */
  fresh(): Line[] {
    const fresh = this.unwritten;
    if (fresh.length > 0) this.unwritten = [];
    return fresh;
  }
}

/** Reads a snapshot, part by part. Deadlines, indexes and caches are rebuilt from the nodes. */
export class SnapshotReader {
  private state: LogState | undefined;
  private readonly shared: unknown[] = [];
  private readonly rows = new RowReader(this.shared);
  private count = 0;
  private end: number | undefined;

  add(part: string): void {
    for (const line of part.split('\n')) this.take(JSON.parse(line) as Line | End);
  }

  /** @throws if a line is missing (I11) */
  done(): LogState {
    if (this.end !== this.count)
      throw new Error(`the snapshot has ${this.count} lines, but its last line states ${this.end ?? 'no count'}`);
    const state = this.started();
    fillTrees(state);
    dropEnded(state); // nothing expires in a tree that is set aside
    return state;
  }

  private started(): LogState {
    if (!this.state) throw new Error('the first line of the snapshot is not that of its log');
    return this.state;
  }

  private take([kind, value]: Line | End): void {
    if (kind === 'end') {
      this.end = value;
      return;
    }
    this.count += 1;
    if (kind === 'log') {
      this.state = Object.assign(emptyState(value.log, value.tenant, value.n), {
        next: value.next,
        lastTime: value.lastTime,
        imported: value.imported ?? 0,
      });
      return;
    }
    const state = this.started();
    switch (kind) {
      case 'shared':
        this.shared.push(value);
        return;
      case 'run': {
        const run = this.rows.run(value);
        state.runs.set(run.id, run);
        return;
      }
      case 'rule':
        return addRule(state, complete(value, ['issuedBefore', 'target', 'suspends', 'until', 'lifted', 'resumed']));
      case 'purse':
        return state.purses.put({ ...value, budget: budgetOf(value.caps) });
      case 'naming':
        state.purses.naming.set(...value);
        return;
      case 'policyVersion':
        state.policies.versions.push(value);
        return;
      case 'policy':
        state.policies.current = inForce(state, value);
        return;
      case 'policyParts':
        state.policies.pending = value;
        return;
      case 'policyShadow':
        state.policies.shadow = value;
        return;
      case 'responder':
        state.responders.nodes.set(value.id, { ...value, counts: new Map(value.counts), quiet: new Map(value.quiet) });
        return;
      case 'firing':
        state.responders.pending.set(value.id, value);
        state.deadlines.add({ at: value.at, kind: 'responder', id: value.id });
        return;
      case 'prepared':
        state.responders.prepared.push(value);
        return;
      case 'responded':
        state.responders.suspended = value;
        return;
      case 'unreadable':
        state.unreadable.set(value.position, complete(value, ['treeId']));
        return;
      case 'grant':
        return addGrant(state, this.rows.grant(value));
      case 'heldByRun':
        state.heldByRun.set(...value);
        return;
      case 'regranted':
        state.regranted.set(...value);
        return;
      case 'tree':
        state.trees.set(value.id, newTree({ ...value, kept: value.kept && keptOf(value.kept) }));
        return;
      case 'action': {
        const action = this.rows.action(value);
        state.actions.set(action.id, action);
        state.deadlines.add({ at: action.outcomeUntil, kind: 'action', id: action.id });
        return;
      }
      case 'settled': {
        const settled = this.rows.settled(value);
        (settled.status === 'abandoned' ? state.abandoned : state.settled).set(value[0], settled);
        return;
      }
      case 'approval': {
        const held = value.held ? complete(value.held, ['narrowed']) : heldBy(state, value);
        return addApproval(state, complete({ ...value, held, turn: value.turn ?? 0 }, APPROVAL_OPTIONAL));
      }
      case 'refusalBucket':
        state.refusalBuckets.set(...value);
        return;
      case 'coolDown':
        state.coolDowns.set(...value);
        return;
      case 'denialStreak':
        state.denialStreaks.set(...value);
        return;
      case 'narrowed':
        state.narrowed.set(...value);
        return;
      case 'approvedBeyond':
        state.approvedBeyond.set(...value);
        return;
      case 'ends':
        state.ends.set(...value);
        return;
      default:
        state[kind].set(value[0], commandOf(value));
    }
  }
}

/** @throws if the text is not that of a deployed bundle: the snapshot is invalid (I11) */
function inForce({ policies }: LogState, text: string): PolicyNode {
  const [version, compiled] = [policies.versions.at(-1), compiledText(text)];
  if (!version || !compiled) throw new Error('the snapshot has a policy that no deployment put into force');
  return { ...version, text, ...compiled };
}

const treeLine = ({ id, rootRunId, labels, kept, quietAt }: TreeNode): TreeLine => ({
  id,
  rootRunId,
  labels,
  ...(kept === undefined ? {} : { kept: keptRow(kept) }),
  ...(quietAt === undefined ? {} : { quietAt }),
});

/** Leaves out the turn unless the approval is pending, and its lease unless that has changed since the request. */
const approvalLine = (state: LogState, { turn, held, ...rest }: ApprovalNode): ApprovalLine => ({
  ...rest,
  ...(turn === 0 ? {} : { turn }),
  ...(held === undefined || held.limits === heldBy(state, rest)?.limits ? {} : { held }),
});

const APPROVAL_OPTIONAL = [
  'grantId',
  'actionId',
  'limits',
  'parentId',
  'supersedes',
  'askedBy',
  'objections',
  'asks',
  'bundle',
  'replaces',
  'verb',
  'tool',
  'resource',
  'call',
  'answers',
  'less',
  'scope',
  'breakGlass',
  'refusedUntil',
  'by',
  'usableUntil',
  'decidedAt',
  'decidedPosition',
] as const;

/**
 * Adds the members that JSON dropped as undefined: every node has all its members, so that all share one hidden class.
 */
function complete<T extends object>(node: T, optional: readonly string[]): T {
  for (const key of optional) if (!(key in node)) (node as Record<string, unknown>)[key] = undefined;
  return node;
}

/** Returns a snapshot as one string, for states that fit into one. */
export const toSnapshot = (state: LogState): string => [...toParts(state)].join('\n');

export const fromSnapshot = (text: string): LogState => fromSnapshotParts([text]);

export function fromSnapshotParts(parts: Iterable<string>): LogState {
  const reader = new SnapshotReader();
  for (const part of parts) reader.add(part);
  return reader.done();
}
