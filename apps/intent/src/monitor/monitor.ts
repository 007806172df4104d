import type { Event, EventOf } from '@bailiwick/contracts/event';
import { emptyHistory, observe } from '@bailiwick/drift/history';
import type { Call, History } from '@bailiwick/drift/memory';
import { isReportable } from '@bailiwick/drift/report';
import { scoreCall, scoreRefused, type Score } from '@bailiwick/drift/score';
import { callOfEvent, isDecided, observationOf, type Payload } from './observations';

interface Tree {
  readonly history: History;
  /** position of the event that opened it: from there on it can be made again */
  readonly since: number;
  /** its root lease ends by then, whatever else happens; epoch ms */
  until: number;
  readonly rootRunId: string;
  /** whose it is, by ref */
  readonly principalRef: string;
  /** those that may still act in it */
  readonly grants: Set<string>;
  /** run → the action that drifted furthest since a person last looked, and its score; no action where it was refusals */
  readonly worst: Map<string, { readonly actionId: string | undefined; readonly score: Score }>;
}

/** the event of an end is read by then: until it is, what was not told yet is told afterwards */
const READ_BY_MS = 60_000;

/** A score that the log should hold. */
export interface Report {
  readonly runId: string;
  readonly actionId: string | undefined;
  readonly score: Score;
}

/**
 * What the monitor knows of one log: the history of every tree that is still alive. A fold over the events, so that a
 * second one over the same events knows the same.
 */
export class Monitor {
  private readonly trees = new Map<string, Tree>();
  private readonly runOfGrant = new Map<string, { runId: string; treeId: string }>();
  /** runs whose drift may be worth telling; looked at by `reports` */
  private readonly moved = new Map<string, Tree>();
  /** what was still to be told of runs that have ended since */
  private late: (Report & { readonly since: number; readonly principalRef: string })[] = [];
  /**
   * run → the score of a report that was answered, until its event is read: not sent again, and no part of the fold. The
   * log may have gone further before that event, so what is worth telling is a question to what was read alone.
   */
  private readonly answered = new Map<string, number>();
  /** the next position */
  next: number;

  constructor(from: number) {
    this.next = from;
  }

  /** @throws where the event isn't the next one */
  see(event: Event, payload: Payload): void {
    if (event.position !== this.next)
      throw new Error(`the monitor stands at ${this.next} and was given the event at ${event.position}`);
    this.next += 1;
    if (event.type === 'DriftScored') {
      const { score: told } = event.data;
      if (told >= (this.answered.get(event.runId ?? '') ?? Infinity)) this.answered.delete(event.runId ?? '');
      this.late = this.late.filter(({ runId, score }) => runId !== event.runId || score.score > told);
    }
    if (event.type === 'PayloadsErased') return this.erased(event.data);
    const tree = this.treeOf(event);
    if (!tree) return;
    if (event.type === 'GrantIssued')
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
    this.answered.delete(seen.runId);
  }

  /** An event that cannot be read: its position counts, and the tree that it names is known no more. */
  pass(treeId: string | undefined): void {
    this.next += 1;
    const tree = treeId === undefined ? undefined : this.trees.get(treeId);
    if (tree && treeId !== undefined) this.forget(treeId, tree);
  }

  /**
   * What is known of a person's trees is made of her words: it goes with them. So a fold after the erasure, which finds
   * no words, comes to know the same as one before it; and of a run that is still live nothing can be said from here on:
   * whatever is of high risk asks a person (I11).
   */
  private erased({ subjectRef, before }: EventOf<'PayloadsErased'>['data']): void {
    const isHers = (of: { principalRef: string; since: number }): boolean =>
      of.principalRef === subjectRef && of.since < before;
    for (const [id, tree] of this.trees) if (isHers(tree)) this.forget(id, tree);
    this.late = this.late.filter((each) => !isHers(each));
  }

  private ended(tree: Tree, { treeId = '', grantId = '' }: Event, runId: string): void {
    const isRoot = runId === tree.rootRunId;
    this.lastLook(tree, isRoot ? tree.history.runs.keys() : [runId]);
    if (isRoot) return this.forget(treeId, tree);
    observe(tree.history, { type: 'ended', runId });
    tree.worst.delete(runId);
    tree.grants.delete(grantId);
    this.runOfGrant.delete(grantId);
  }

  /** A run that ends before its last drift was told: it is told afterwards, for whoever reads the log. */
  private lastLook(tree: Tree, runIds: Iterable<string>): void {
    for (const runId of runIds) {
      const report = this.moved.has(runId) ? reportOf(tree, runId) : undefined;
      if (report) this.late.push({ ...report, since: tree.since, principalRef: tree.principalRef });
    }
  }

  /** What should be told now, but what was answered already. */
  reports(): Report[] {
    const due: Report[] = this.late.filter(({ runId, score }) => score.score > (this.answered.get(runId) ?? -1));
    for (const [runId, tree] of this.moved) {
      const report = reportOf(tree, runId);
      if (!report) this.moved.delete(runId);
      else if (reportOf(tree, runId, this.answered.get(runId))) due.push(report);
    }
    return due;
  }

  /** A report was answered: taken into the log, or refused for good, and then there is nothing to wait for. */
  settled(report: Report, taken: boolean): void {
    const { runId, score } = report;
    if (!taken) this.late = this.late.filter((each) => each !== report);
    if (taken || this.moved.has(runId)) this.answered.set(runId, score.score);
  }

  /** The drift that a call would bring, with what it rests on; undefined where the run is not known. */
  score(grantId: string, call: Call): Score | undefined {
    const at = this.runOfGrant.get(grantId);
    const tree = at && this.trees.get(at.treeId);
    return at && tree && scoreCall(tree.history, at.runId, call);
  }

  /** From where a monitor must begin to know all that this one knows. */
  get since(): number {
    const [oldest] = this.trees.values(); // a map keeps the order of insertion: that of the log
    return this.late.reduce((least, { since }) => Math.min(least, since), oldest?.since ?? this.next);
  }

  /** Lets go of trees whose root lease time has ended, such as those that a rule struck. */
  sweep(now: number): void {
    for (const [id, tree] of this.trees) if (tree.until <= now - READ_BY_MS) this.forget(id, tree);
  }

  get size(): number {
    return this.trees.size;
  }

  /** Of a tree whose beginning was not seen nothing can be said. */
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

  /** A burst of refusals is a sign by itself: no call need follow it. */
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
      if (!this.late.some((each) => each.runId === runId)) this.answered.delete(runId);
    }
    for (const grantId of tree.grants) this.runOfGrant.delete(grantId);
  }
}

/**
 * Undefined where nothing of the run is worth telling.
 * @param told what is known to have been told, beyond what was read of it
 */
function reportOf(tree: Tree, runId: string, told?: number): Report | undefined {
  const run = tree.history.runs.get(runId);
  const worst = tree.worst.get(runId);
  const known = told === undefined || !run ? run : { ...run, reported: Math.max(told, run.reported ?? 0) };
  return known && worst && isReportable(known, known.peak) ? { runId, ...worst } : undefined;
}
