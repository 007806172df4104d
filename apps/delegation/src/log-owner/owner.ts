import type { Sealed } from '@bailiwick/authority/commands/seal';
import { ignoresDrift } from '@bailiwick/authority/manifests/ignores-drift';
import type { Meant } from '@bailiwick/authority/revocation/reach';
import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import type { LogState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { PreviewView } from '@bailiwick/contracts/queries/query';
import type { About } from '../commands/marks';
import { treeOfAction } from '@bailiwick/authority/commands/actions/authorize-action';
import { LIMITS } from '@bailiwick/core/limits';
import type { AppendResult } from '@bailiwick/event-store/port';
import type { Announcement } from '@bailiwick/messaging/commit-message';
import { problemsOf, type LogProblem } from '@bailiwick/platform/health';
import { loadState } from '@bailiwick/platform/logs/log-state';
import { answerRead, Batch, MOST_ITEMS, type Item } from './batching/batch';
import { CommitPipeline } from './batching/commit-pipeline';
import { Mailbox } from './batching/mailbox';
import { deadlineOf, TOO_LATE } from './deadline';
import { Decider } from './decider';
import type { OwnerOptions } from './ports';
import { Previews } from './previews';
import { RefusalCounts } from './refusal-counts';
import { notReady, onlyTightens, tooMany } from './refusals';
import { Responder } from './responder';

const IDLE_MS = 1_000;
const RELOAD_MS = 200;

class AppendFailed extends Error {
  constructor(
    message: string,
    readonly reason: Extract<AppendResult, { ok: false }>['reason'],
  ) {
    super(message);
  }
}

/**
 * The only writer of a log. Takes all waiting commands, decides and folds them in memory, commits them with one INSERT,
 * and only then responds (I4). Commands that arrive during a commit are decided on the state being committed, and wait
 * for that commit as well. If the outcome of a commit is unknown, or another owner has written to the log, the owner
 * drops its state with all decisions based on it and reloads the log as it does at its start.
 */
export class LogOwner {
  private state: LogState | undefined;
  /** the error of the last attempt to load the log */
  private loadError: unknown;
  private stopped = false;
  private loop: Promise<void> | undefined;
  private readonly mailbox: Mailbox<Item>;
  private readonly pipeline: CommitPipeline;
  private readonly previews: Previews;
  /** refusals without an event; a crash loses only these counts */
  private readonly refusals = new RefusalCounts();
  private readonly decider: Decider;
  private readonly responder: Responder;
  /** items of unwritten batches, to be staged again on the state that is loaded next */
  private redo: Item[] = [];

  constructor(private readonly options: OwnerOptions) {
    this.mailbox = new Mailbox(LIMITS.mailboxCommands, options.timer);
    this.pipeline = new CommitPipeline(options.clock, () => this.mailbox.nudge());
    this.previews = new Previews(options.log, {
      read: (read) => this.read(read),
      isCurrent: (state) => !this.stopped && this.state === state,
    });
    this.decider = new Decider(options, this.previews, this.refusals);
    this.responder = new Responder(options, this.previews);
  }

  start(): void {
    this.loop = this.run();
  }

  /** Finishes the items in progress and refuses the others. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.mailbox.nudge();
    await this.loop;
  }

  /** Drops the state after the log was replaced, such as by an import: the owner folds the log again before it continues. */
  reload(): void {
    this.state = undefined;
    this.mailbox.nudge();
  }

  /** One past the last event that is known to be written. */
  committed = 0;

  /** Reports why the log is not served, or which of its events are set aside. */
  readonly problems = (): LogProblem[] => problemsOf(this.options.log, this.state, this.loadError);

  /** One past the last event that is written or in flight. */
  get position(): number {
    return this.state?.next ?? 0;
  }

  /** What verbs and tools mean under the policy in force, after all events that are written or in flight. */
  get catalog(): Catalog {
    return this.state?.policies.current?.catalog ?? this.options.rules.catalog;
  }

  /** Reports whether no threshold that applies to a lease could be reached by a drift score. */
  ignoresDrift(grantId: unknown): boolean {
    return this.state !== undefined && ignoresDrift(this.state, String(grantId), this.options.rules);
  }

  /** Reports whether a rule in force follows the flow of data; undefined if the log is not loaded. */
  get followsValues(): boolean | undefined {
    return this.state && this.state.policies.rules.flows.length > 0;
  }

  /** Waits until the log is loaded. @throws if it cannot be loaded now, or the owner is stopped */
  async loaded(): Promise<void> {
    if (!this.state) await this.read(() => undefined);
  }

  /** Returns where the tree of a lease, or of an action that was permitted, was opened. */
  treeOf({ grantId, actionId }: About): { log: string; position: number } | undefined {
    const { state } = this;
    if (!state) return undefined;
    const treeId = typeof grantId === 'string' ? state.grants.get(grantId)?.treeId : undefined;
    const ofAction = typeof actionId === 'string' ? treeOfAction(state, actionId) : undefined;
    const root = state.runs.get(state.trees.get(treeId ?? ofAction ?? '')?.rootRunId ?? '');
    return root && { log: state.log, position: root.position };
  }

  /**
   * @param until the deadline of a command that names none and needs one
   * @param onCommitted called when the command is decided and committed, if its response is sent later
   */
  submit(raw: unknown, until?: number, onCommitted?: () => void): Promise<Answer> {
    return new Promise((resolve) => {
      const deadline = deadlineOf(raw) ?? (onlyTightens(raw) ? undefined : until);
      if (this.stopped) resolve(notReady('this owner is shutting down'));
      else if (!this.mailbox.put({ kind: 'command', raw, deadline, onCommitted, resolve })) resolve(tooMany());
    });
  }

  /** Reads the committed state, after the commit in flight. */
  read<T>(read: (state: LogState, now: number) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const item: Item = { kind: 'read', read, resolve: resolve as (value: unknown) => void, reject };
      if (this.stopped || !this.mailbox.put(item)) reject(new Error('the owner of the log accepts no reads now'));
    });
  }

  /** Reports whether a revocation would reach anything. */
  reaches(meant: Meant): Promise<boolean> {
    return this.previews.reaches(meant);
  }

  preview(meant: Meant): Promise<PreviewView> {
    return this.previews.count(meant);
  }

  private async run(): Promise<void> {
    let untouched: Item[] = [];
    while (!this.stopped) {
      const state = this.state ?? (await this.load(untouched));
      // a stop during the load: serving would wait for a wake-up that never comes
      if (state && !this.stopped) untouched = await this.serve(state, untouched);
    }
    untouched.push(...(await this.mailbox.take(Infinity, 0)));
    for (const item of untouched) this.refuse(item, 'this owner has shut down');
    await this.responder.settled();
  }

  /**
   * Decides arriving commands while the previous batch is being committed, until the owner is stopped or the state is
   * dropped.
   * @returns the items that arrived too late to be decided on this state
   */
  private async serve(state: LogState, first: Item[]): Promise<Item[]> {
    const isOver = (): boolean => this.stopped || this.state !== state;
    const { pipeline } = this;
    let next = new Batch(first);
    let late: Item[] = [];
    while (!isOver()) {
      if (next.wantsMore) late = await this.mailbox.take(MOST_ITEMS, this.patience(state));
      if (pipeline.isOverdue) await pipeline.committed;
      if (isOver()) break;
      next.items.push(...late.splice(0));
      if (!this.stageAll(state, next)) break;
      if (next.isCutShort) await new Promise((resolve) => setImmediate(resolve)); // lets other logs run
      if (pipeline.committed && !next.isFull) continue; // more may arrive before this batch can be committed
      await pipeline.committed;
      if (isOver() || next.isEmpty) continue;
      const batch = next;
      next = batch.rest();
      pipeline.track(this.commitBatch(state, batch));
      if (batch.hasReads) await pipeline.committed; // reads see committed state only
    }
    await pipeline.committed;
    return this.finishServing(state, next, late);
  }

  /** Settles the batch that was never committed. Returns the items to decide on the next state. */
  private async finishServing(state: LogState, next: Batch, late: Item[]): Promise<Item[]> {
    const again = this.redo.splice(0);
    // the batch staged after one that missed its deadline was never sent: its commands are decided again, too
    if (again.length > 0 && !this.stopped) return [...again, ...next.items, ...late];
    if (this.stopped && this.state === state) await this.writeLastCounts(state);
    const why = this.stopped
      ? 'this owner has shut down'
      : 'the decision could not be written; retry with the same key';
    for (const item of [...again, ...next.items]) this.refuse(item, why);
    return late;
  }

  /** Writes the pending refusal counts before the log is handed over; the next owner does not know them. */
  private async writeLastCounts(state: LogState): Promise<void> {
    const batch = new Batch();
    this.decider.stageRefusalCounts(state, this.decider.nowFor(state), batch);
    if (!batch.isEmpty) await this.commitBatch(state, batch);
  }

  /** How long to wait for commands: until the next deadline, expiry or refusal summary. */
  private patience(state: LogState): number {
    const next = state.deadlines.peek();
    const at = Math.min(next?.at ?? Infinity, this.refusals.dueAt);
    return Math.max(0, Math.min(IDLE_MS, at - this.options.clock.now()));
  }

  /** Loads the log. A log that does not fold is not served (I11): all waiting items are refused, and the load retried. */
  private async load(untouched: Item[]): Promise<LogState | undefined> {
    const { log, eventlog, warn } = this.options;
    try {
      const state = await loadState(log, eventlog, warn);
      this.committed = state.next;
      this.loadError = undefined;
      return (this.state = state);
    } catch (error) {
      this.loadError = error;
      warn(`log ${log} could not be loaded; retrying`, error);
      const waiting = await this.mailbox.take(Infinity, RELOAD_MS);
      for (const item of [...untouched.splice(0), ...waiting])
        this.refuse(item, 'the log cannot be read at the moment');
      return undefined;
    }
  }

  /** @returns false if a decision failed: the state may be inconsistent and is dropped */
  private stageAll(state: LogState, batch: Batch): boolean {
    try {
      this.decider.stageAll(state, batch);
      return true;
    } catch (error) {
      this.options.warn('a decision failed; the state is dropped and refolded', error);
      this.state = undefined;
      return false;
    }
  }

  private async commitBatch(state: LogState, batch: Batch): Promise<void> {
    const { items, sealed, staged, counted } = batch;
    try {
      // A crash before this line: nothing is written, no response was sent; clients retry with their keys.
      if (sealed.length > 0) await this.commit(sealed, batch.notAfter);
    } catch (error) {
      this.options.warn('a batch failed; the state is dropped and refolded', error);
      this.state = undefined;
      this.refusals.putBack(counted);
      for (const item of items) this.afterFailure(item, error, batch.notAfter ?? Infinity);
      return;
    }
    // A crash here: all is written, no response was sent; a retry with the same command ID gets the original response.
    const now = this.decider.nowFor(state);
    for (const item of items) if (item.kind === 'read') answerRead(item, state, now);
    const last = sealed.at(-1); // not `state.next`: the state already holds events of the next batch
    if (last) this.committed = last.event.position + 1;
    for (const each of staged) this.responder.respond(state, each);
    for (const each of staged) each.item?.onCommitted?.();
  }

  /**
   * Handles one item of a batch that was not, or not surely, written. If the batch missed its deadline, the items that
   * are still in time are decided again. If the outcome is unknown, the reloaded log shows it: written commands are
   * answered, the others refused.
   */
  private afterFailure(item: Item, error: unknown, notAfter: number): void {
    const reason = error instanceof AppendFailed ? error.reason : 'unknown';
    const deadline = item.kind === 'command' ? item.deadline : undefined;
    if (reason === 'late' && item.kind === 'command' && deadline !== undefined && deadline <= notAfter)
      return item.resolve(TOO_LATE);
    if (reason === 'late') return void this.redo.push(item);
    if (reason === 'unknown' && item.kind === 'command' && deadline !== undefined && !item.unsure)
      return void this.redo.push({ ...item, unsure: true });
    this.refuse(item, 'the decision could not be written; retry with the same key');
  }

  private async commit(sealed: readonly Sealed[], notAfter: number | undefined): Promise<void> {
    const { log, eventlog, fence } = this.options;
    const events = sealed.map(({ event, body, payload }) => ({
      position: event.position,
      type: event.type,
      time: event.time,
      tenant: event.tenant,
      treeId: event.treeId,
      runId: event.runId,
      grantId: event.grantId,
      actionId: event.actionId,
      commandId: event.commandId,
      body,
      payload,
    }));
    const first = (sealed[0] as Sealed).event.position;
    const result = await eventlog.append(log, first, events, fence, notAfter);
    if (!result.ok)
      throw new AppendFailed(`append at ${log}@${first} was refused: ${JSON.stringify(result)}`, result.reason);
    // A crash here: the commit is not announced; followers find it when they poll the log.
    this.announce({ log, from: first, next: first + events.length, time: (sealed.at(-1) as Sealed).event.time });
  }

  /** Announces a commit. A failure changes nothing about the commit or its responses. */
  private announce(commit: Announcement): void {
    try {
      this.options.publish(commit);
    } catch (error) {
      this.options.warn('a commit was not announced; followers find it when they poll the log', error);
    }
  }

  private refuse(item: Item, detail: string): void {
    if (item.kind === 'command') item.resolve(notReady(detail));
    else item.reject(new Error(detail));
  }
}
