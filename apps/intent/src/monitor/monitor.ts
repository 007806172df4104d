import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { emptyHistory, observe } from '@bailiwick/drift/history';
import type { Call, History } from '@bailiwick/drift/memory';
import { isReportable } from '@bailiwick/drift/report';
import { scoreCall, scoreRefused, type Score } from '@bailiwick/drift/score';
import { callOfEvent, isDecided, observationOf, type Payload } from './observations';

interface Tree {
  readonly history: History;
  /** position of the event that opened it; a fold from there restores it */
  readonly since: number;
  /** latest end of its root lease; epoch ms */
  until: number;
  readonly rootRunId: string;
  /** ref of its principal */
  readonly principalRef: string;
  /** grants that may still act in it */
  readonly grants: Set<string>;
  /** run → highest score since a person last resumed the run, and its action; without an action if refusals caused it */
  readonly worst: Map<string, { readonly actionId: string | undefined; readonly score: Score }>;
}

/** Time after the end of a root lease in which its final event is read; until then its drift can still be reported. */
const READ_BY_MS = 60_000;

/** A score to record in the log. */
export interface Report {
  readonly runId: string;
  readonly actionId: string | undefined;
  readonly score: Score;
}

/**
 * Folds the events of one log into the history of every live tree. The state depends only on the events, so two
 * monitors over the same events have the same state.
 */
export class Monitor {
  private readonly trees = new Map<string, Tree>();
  private readonly runOfGrant = new Map<string, { runId: string; treeId: string }>();
  /** runs whose drift may be reportable; `reports` checks them */
  private readonly moved = new Map<string, Tree>();
  /** reports of runs that ended before their drift was recorded */
  private late: (Report & { readonly since: number; readonly principalRef: string })[] = [];
  /**
   * run → score of an acknowledged report, until its event is read. Such a report is not sent again. It is not part of
   * the fold: other events may precede its event in the log, so only events decide which drift is reportable.
   */
  private readonly acknowledged = new Map<string, number>();
  /** the next position */
  next: number;

  constructor(from: number) {
    this.next = from;
  }

  /** @throws if the event is not the next one */
  see(event: Event, payload: Payload): void {
    if (event.position !== this.next)
      throw new Error(`expected the event at position ${this.next}, got position ${event.position}`);
    this.next += 1;
    if (event.type === 'DriftScored') {
      const { score: recorded } = event.data;
      if (recorded >= (this.acknowledged.get(event.runId ?? '') ?? Infinity))
        this.acknowledged.delete(event.runId ?? '');
      this.late = this.late.filter(({ runId, score }) => runId !== event.runId || score.score > recorded);
    }
    if (event.type === 'PayloadsErased') return this.erased(event.data);
    const tree = this.treeOf(event);
    if (!tree) return;
    if (event.type === 'GrantRenewed' && event.runId === tree.rootRunId) tree.until = Date.parse(event.data.until);
    if (event.type === 'GrantIssued' || event.type === 'GrantNarrowed')
      this.issued(
        event.grantId ?? '',
        event.runId ?? '',
        event.treeId ?? '',
        tree,
        Date.parse(event.data.limits.time.expiresAt),
      );
    if (isDecided(event)) {
      this.decided(
        tree,
        event.runId ?? '',
        event.actionId ?? '',
        callOfEvent(event, payload),
        event.type === 'ActionPermitted',
      );
      return;
    }
    if (event.type === 'RefusalsSummarized') return this.refused(tree, event.runId ?? '', event.data.total);
    const seen = observationOf(event, payload);
    if (!seen) return;
    if (seen.type === 'ended') return this.ended(tree, event, seen.runId);
    observe(tree.history, seen);
    if (seen.type !== 'resumed') return;
    tree.worst.delete(seen.runId);
    this.acknowledged.delete(seen.runId);
  }

  /** Skips an unreadable event and forgets the tree that it names. */
  pass(treeId: string | undefined): void {
    this.next += 1;
    const tree = treeId === undefined ? undefined : this.trees.get(treeId);
    if (tree && treeId !== undefined) this.forget(treeId, tree);
  }

  /**
   * Forgets the trees of a person whose payloads were erased, because their history is derived from those payloads. So
   * a fold after the erasure, without the payloads, reaches the same state. Live runs of that person have no score from
   * here on, so their high-risk actions require an approval (I11).
   */
  private erased({ subjectRef, before }: EventOf<'PayloadsErased'>['data']): void {
    const isErased = (of: { principalRef: string; since: number }): boolean =>
      of.principalRef === subjectRef && of.since < before;
    for (const [id, tree] of this.trees) if (isErased(tree)) this.forget(id, tree);
    this.late = this.late.filter((each) => !isErased(each));
  }

  private ended(tree: Tree, { treeId = '', grantId = '' }: Event, runId: string): void {
    const isRoot = runId === tree.rootRunId;
    this.keepLastReport(tree, isRoot ? tree.history.runs.keys() : [runId]);
    if (isRoot) return this.forget(treeId, tree);
    observe(tree.history, { type: 'ended', runId });
    tree.worst.delete(runId);
    tree.grants.delete(grantId);
    this.runOfGrant.delete(grantId);
  }

  /** Keeps the pending report of a run that ends, so that the log still records it. */
  private keepLastReport(tree: Tree, runIds: Iterable<string>): void {
    for (const runId of runIds) {
      const report = this.moved.has(runId) ? reportOf(tree, runId) : undefined;
      if (report) this.late.push({ ...report, since: tree.since, principalRef: tree.principalRef });
    }
  }

  /** Returns the reports to send now, except those that were acknowledged. */
  reports(): Report[] {
    const due: Report[] = this.late.filter(({ runId, score }) => score.score > (this.acknowledged.get(runId) ?? -1));
    for (const [runId, tree] of this.moved) {
      const report = reportOf(tree, runId);
      if (!report) this.moved.delete(runId);
      else if (reportOf(tree, runId, this.acknowledged.get(runId))) due.push(report);
    }
    return due;
  }

  /** Marks a report as recorded in the log or as finally refused. */
  settled(report: Report, recorded: boolean): void {
    const { runId, score } = report;
    if (!recorded) this.late = this.late.filter((each) => each !== report);
    if (recorded || this.moved.has(runId)) this.acknowledged.set(runId, score.score);
  }

  /** Returns the drift that a call would cause, with its features; undefined if the run is unknown. */
  score(grantId: string, call: Call): Score | undefined {
    const at = this.runOfGrant.get(grantId);
    const tree = at && this.trees.get(at.treeId);
    return at && tree && scoreCall(tree.history, at.runId, call);
  }

  /** Returns the position from which another monitor must start to reach the same state. */
  get since(): number {
    const [oldest] = this.trees.values(); // a map keeps the order of insertion: that of the log
    return this.late.reduce((least, { since }) => Math.min(least, since), oldest?.since ?? this.next);
  }

  /** Forgets trees whose root lease has run out, such as those that a revocation rule ended. */
  sweep(now: number): void {
    for (const [id, tree] of this.trees) if (tree.until <= now - READ_BY_MS) this.forget(id, tree);
  }

  get size(): number {
    return this.trees.size;
  }

  /** Returns the tree of an event; undefined if its first event was not seen. */
  private treeOf(event: Event): Tree | undefined {
    if (event.treeId === undefined) return undefined;
    const known = this.trees.get(event.treeId);
    if (known || event.type !== 'RunOpened' || event.data.parentRunId !== undefined) return known;
    const tree: Tree = {
      history: emptyHistory(),
      since: event.position,
      until: Infinity,
      rootRunId: event.runId ?? '',
      principalRef: event.data.principalRef,
      grants: new Set(),
      worst: new Map(),
    };
    this.trees.set(event.treeId, tree);
    return tree;
  }

  private issued(grantId: string, runId: string, treeId: string, tree: Tree, until: number): void {
    this.runOfGrant.set(grantId, { runId, treeId });
    tree.grants.add(grantId);
    if (runId === tree.rootRunId) tree.until = until;
  }

  private decided(tree: Tree, runId: string, actionId: string, call: Call, permitted: boolean): void {
    const score = scoreCall(tree.history, runId, call);
    if (!score) return;
    observe(tree.history, { type: 'called', runId, actionId, call, permitted, score: score.score });
    if (score.score >= (tree.worst.get(runId)?.score.score ?? 0)) tree.worst.set(runId, { actionId, score });
    if (reportOf(tree, runId)) this.moved.set(runId, tree);
  }

  /** Scores a burst of refusals, even if no call follows it. */
  private refused(tree: Tree, runId: string, count: number): void {
    const score = scoreRefused(tree.history, runId, count);
    if (!score) return;
    observe(tree.history, { type: 'refused', runId, count, score: score.score });
    const worst = tree.worst.get(runId);
    if (score.score >= (worst?.score.score ?? 0)) tree.worst.set(runId, { actionId: undefined, score });
    if (reportOf(tree, runId)) this.moved.set(runId, tree);
  }

  private forget(treeId: string, tree: Tree): void {
    this.trees.delete(treeId);
    for (const runId of tree.history.runs.keys()) {
      this.moved.delete(runId);
      if (!this.late.some((each) => each.runId === runId)) this.acknowledged.delete(runId);
    }
    for (const grantId of tree.grants) this.runOfGrant.delete(grantId);
  }
}

/**
 * Returns the report of a run; undefined if its drift is not reportable.
 * @param acknowledged the score of a report that was acknowledged and whose event may not be read yet
 */
function reportOf(tree: Tree, runId: string, acknowledged?: number): Report | undefined {
  const run = tree.history.runs.get(runId);
  const worst = tree.worst.get(runId);
  const known =
    acknowledged === undefined || !run ? run : { ...run, reported: Math.max(acknowledged, run.reported ?? 0) };
  return known && worst && isReportable(known, known.peak) ? { runId, ...worst } : undefined;
}
