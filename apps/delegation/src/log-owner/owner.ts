import { answerOf, wordsNeeded } from '@bailiwick/authority/presentation/responses';
import { decide } from '@bailiwick/authority/commands/decide';
import type { Rules } from '@bailiwick/authority/commands/types';
import { asideBy } from '@bailiwick/authority/state/set-aside';
import { setAsideRefusal } from '@bailiwick/authority/commands/set-aside';
import { evolve } from '@bailiwick/authority/events/evolve';
import { previewInPieces } from '@bailiwick/authority/revocation/blast-radius';
import { targetOf, type Meant } from '@bailiwick/authority/revocation/reach';
import { sealAll, type Sealed } from '@bailiwick/authority/commands/seal';
import { isKeyed, type CommandNode, type LogState } from '@bailiwick/authority/state/state';
import { OWN_COMMANDS, readCommand, type Answer, type Command } from '@bailiwick/contracts/command';
import { parseEvent, type Event } from '@bailiwick/contracts/event';
import type { PreviewView } from '@bailiwick/contracts/query';
import { canonicalize } from '@bailiwick/core/canonical';
import type { Announcement } from '@bailiwick/messaging/cloudevent';
import type { AppendResult } from '@bailiwick/event-store/port';
import { monotonicClock, rfc3339, type Clock, type Timer } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { deadlineOf, outOfTime, TOO_LATE } from './deadline';
import { Mailbox } from './mailbox';
import { WalkLost, walks } from '../queries/walks';
import { stateToTell, wordsFor } from '../queries/words';
import type { OwnerLog } from './ports';
import { problemsOf, type LogProblem } from '@bailiwick/platform/health';
import { loadState } from '@bailiwick/platform/log-state';
import { ArchivedTreeLoader } from '@bailiwick/platform/archived-tree-loader';
import { QueueFullError } from '@bailiwick/platform/serial-queue';
import {
  answerRead,
  Batch,
  MOST_ITEMS,
  mostEvents,
  refusedBy,
  type CommandItem,
  type Item,
  type Staged,
} from './batch';
import { badCommand, clockWentBack, notFromOutside, notReady, onlyTightens, tooMany } from './refusals';
import { RefusalCounts } from './refusal-counts';

export interface OwnerOptions {
  readonly log: string;
  readonly eventlog: OwnerLog;
  readonly rules: Rules;
  readonly clock: Clock;
  /** the store's, as far as it is known: deadlines are by it. The owner's own where it is left out */
  readonly storeClock?: Clock;
  /** for measuring how long a turn takes; the system's monotonic clock where it is left out */
  readonly elapsed?: Clock;
  /** wakes an owner that waits for commands; the system's where it is left out */
  readonly timer?: Timer;
  /** told after each commit up to where the log reaches; may lose it (followers look into the log) */
  readonly publish: (commit: Announcement) => void;
  readonly warn: (message: string, cause?: unknown) => void;
  /** proves to the store that this owner still holds the log's lease */
  readonly fence?: { owner: string; epoch: number };
}

const PREVIEW_TRIES = 3;
const IDLE_MS = 1_000;
const RELOAD_MS = 200;
const TICKS_PER_BATCH = 500;

class Unwritten extends Error {
  constructor(
    message: string,
    readonly reason: Extract<AppendResult, { ok: false }>['reason'],
  ) {
    super(message);
  }
}

/**
 * The one writer of a log. Takes all that waits, decides and folds it in memory, commits it with one INSERT, and only
 * then answers (I4). What comes meanwhile is decided on what is being committed, and waits for that, too. If it cannot
 * know whether a commit happened, or another owner has written, it drops its state with all that was decided on it: the
 * way back is the way it started.
 */
export class LogOwner {
  private state: LogState | undefined;
  private readonly mailbox: Mailbox<Item>;
  /** why the log could not be loaded at the last try */
  private notLoaded: unknown;
  private stopped = false;
  private finished: Promise<void> | undefined;
  /** the commit that is under way, and since when */
  private flying: { readonly since: number; readonly landed: Promise<void> } | undefined;
  /** what is written and being told: that may take words from the event log */
  private readonly telling = new Set<Promise<void>>();
  /** of batches that were not written: what is staged once more on the state that is loaded next */
  private redo: Item[] = [];
  private readonly previews = new Map<string, { meant: string; asOf: number; at: number }>();

  /** trees that the state has forgotten, for the answers to retries */
  private readonly archivedTrees: ArchivedTreeLoader;

  /** what was refused and not written; it is lost with this process, and only the counts are */
  private readonly refusals = new RefusalCounts();

  constructor(private readonly options: OwnerOptions) {
    this.mailbox = new Mailbox(LIMITS.mailboxCommands, options.timer);
    this.archivedTrees = new ArchivedTreeLoader(options.log);
  }

  start(): void {
    this.finished = this.run();
  }

  /** Finishes what has been taken, and refuses the rest. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.mailbox.nudge();
    await this.finished;
  }

  /** The log has become another than what was folded: it is folded anew before anything else is done. */
  reload(): void {
    this.state = undefined;
    this.mailbox.nudge();
  }

  /** One past the last event that is known to be written. */
  committed = 0;

  /** What is wrong with the log: why it is not served, or which of its events are set aside. */
  readonly problems = (): LogProblem[] => problemsOf(this.options.log, this.state, this.notLoaded);

  /** One past the last event that is written or about to be. */
  get position(): number {
    return this.state?.next ?? 0;
  }

  /**
   * @param until the deadline of a command that names none and needs one
   * @param landed is called when it is decided and written, if its answer comes later than that
   */
  submit(raw: unknown, until?: number, landed?: () => void): Promise<Answer> {
    return new Promise((resolve) => {
      const deadline = deadlineOf(raw) ?? (onlyTightens(raw) ? undefined : until);
      if (this.stopped) resolve(notReady('this owner is shutting down'));
      else if (!this.mailbox.put({ kind: 'command', raw, deadline, landed, resolve })) resolve(tooMany());
    });
  }

  /** Reads the committed state; waits its turn behind the batch that is being committed. */
  read<T>(read: (state: LogState, now: number) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const item: Item = { kind: 'read', read, resolve: resolve as (value: unknown) => void, reject };
      if (this.stopped || !this.mailbox.put(item))
        reject(new Error('the owner of the log takes no more questions now'));
    });
  }

  /**
   * A preview, remembered so that an execution can name it. It is as of the committed state at which it began, and is
   * counted in pieces; where that state is dropped, it begins again.
   */
  async preview(meant: Meant): Promise<PreviewView> {
    for (let tries = PREVIEW_TRIES; ; tries--) {
      const begun = await this.read((state, now) => ({
        state,
        now,
        pieces: previewInPieces(state, meant, now, LIMITS.walkUnits),
      }));
      try {
        const view = await walks.run(begun.pieces, () => this.stopped || this.state !== begun.state);
        return this.remember(view, meant, begun.now);
      } catch (error) {
        if (!(error instanceof WalkLost) || tries === 0) throw error;
      }
    }
  }

  private remember(view: PreviewView, meant: Meant, now: number): PreviewView {
    this.previews.set(view.digest, { meant: said(meant), asOf: view.asOf, at: now });
    for (const [digest, { at }] of this.previews) {
      if (this.previews.size <= LIMITS.previewsKept && at > now - LIMITS.previewMs) break;
      this.previews.delete(digest);
    }
    return view;
  }

  private async run(): Promise<void> {
    let untouched: Item[] = [];
    while (!this.stopped) {
      const state = this.state ?? (await this.load(untouched));
      if (state && !this.stopped) untouched = await this.serve(state, untouched); // stopped while it was loading: nobody would wake it
    }
    untouched.push(...(await this.mailbox.take(Infinity, 0)));
    for (const item of untouched) this.refuse(item, 'this owner has shut down');
    await Promise.all(this.telling);
  }

  /**
   * Decides what comes while what was decided before is being committed, until it is asked to stop or the state is
   * dropped. One commit is under way at most; the next takes all that was decided meanwhile.
   * @returns what came too late to be decided on this state
   */
  private async serve(state: LogState, first: Item[]): Promise<Item[]> {
    const isOver = (): boolean => this.stopped || this.state !== state;
    let next = new Batch(first);
    let late: Item[] = [];
    while (!isOver()) {
      if (next.wantsMore) late = await this.mailbox.take(MOST_ITEMS, this.patience(state));
      // what is decided now is of this time; it should not be old when it can be written
      if (this.flying && this.options.clock.now() - this.flying.since > LIMITS.decideAheadMs) await this.flying.landed;
      if (isOver()) break;
      next.items.push(...late.splice(0));
      if (!this.stageAll(state, next)) break;
      if (next.isCutShort) await new Promise((resolve) => setImmediate(resolve)); // the turn of other logs
      if (this.flying && !next.isFull) continue; // more may come before it can be committed
      await this.flying?.landed;
      if (isOver() || next.isEmpty) continue;
      const batch = next;
      next = batch.rest();
      this.fly(state, batch);
      if (batch.hasReads) await this.flying?.landed; // a reading sees what is committed, and no more
    }
    await this.flying?.landed;
    const again = this.redo.splice(0);
    // what was staged after a batch that came too late was never sent: its commands are decided once more, too
    if (again.length > 0 && !this.stopped) return [...again, ...next.items, ...late];
    if (this.stopped && this.state === state) await this.lastCounts(state);
    const why = this.stopped
      ? 'this owner has shut down'
      : 'the decision could not be written; retry with the same key';
    for (const item of [...again, ...next.items]) this.refuse(item, why);
    return late;
  }

  /** Before the log is handed over: its next owner knows nothing of what was only counted. */
  private async lastCounts(state: LogState): Promise<void> {
    const batch = new Batch();
    this.sumUp(state, Math.max(this.options.clock.now(), state.lastTime), batch);
    if (!batch.isEmpty) await this.finish(state, batch);
  }

  private fly(state: LogState, batch: Batch): void {
    const landed = this.finish(state, batch).finally(() => {
      this.flying = undefined;
      this.mailbox.nudge();
    });
    this.flying = { since: this.options.clock.now(), landed };
  }

  private patience(state: LogState): number {
    const next = state.deadlines.peek();
    const at = Math.min(next?.at ?? Infinity, this.refusals.dueAt);
    return Math.max(0, Math.min(IDLE_MS, at - this.options.clock.now()));
  }

  /** A log that does not fold is not served (I11): try again, and say so to all that wait. */
  private async load(untouched: Item[]): Promise<LogState | undefined> {
    const { log, eventlog, warn } = this.options;
    try {
      const state = await loadState(log, eventlog, warn);
      this.committed = state.next;
      this.notLoaded = undefined;
      return (this.state = state);
    } catch (error) {
      this.notLoaded = error;
      warn(`log ${log} could not be loaded; trying again`, error);
      const waiting = await this.mailbox.take(Infinity, RELOAD_MS);
      for (const item of [...untouched.splice(0), ...waiting])
        this.refuse(item, 'the log cannot be read at the moment');
      return undefined;
    }
  }

  /** False where that went wrong: what it made of the state nobody knows, so it is dropped. */
  private stageAll(state: LogState, batch: Batch): boolean {
    const clock = this.options.clock.now();
    const now = Math.max(clock, state.lastTime);
    const wrong = state.lastTime - clock > LIMITS.clockBackMs ? clockWentBack(state.lastTime - clock) : undefined;
    try {
      this.ticks(state, now, batch);
      if (now >= this.refusals.dueAt) this.sumUp(state, now, batch);
      const elapsed = this.options.elapsed ?? monotonicClock;
      const end = elapsed.now() + LIMITS.decideTurnMs;
      while (batch.taken < batch.items.length && !batch.isFull) {
        if (elapsed.now() > end) break;
        const item = batch.items[batch.taken++] as Item;
        if (item.kind === 'read') batch.hasReads = true;
        else if (wrong && !onlyTightens(item.raw)) batch.staged.push(refusedBy(item, wrong));
        else batch.staged.push(this.stage(state, item, now, batch.sealed));
      }
      return true;
    } catch (error) {
      this.options.warn('a decision failed; the state is dropped and refolded', error);
      this.state = undefined;
      return false;
    }
  }

  private async finish(state: LogState, batch: Batch): Promise<void> {
    const { items, sealed, staged, counted } = batch;
    try {
      // Dying before this line: nothing was written, nothing was answered; clients retry with their keys.
      if (sealed.length > 0) await this.commit(sealed, batch.notAfter);
    } catch (error) {
      this.options.warn('a batch failed; the state is dropped and refolded', error);
      this.state = undefined;
      this.refusals.putBack(counted);
      for (const item of items) this.afterFailure(item, error, batch.notAfter ?? Infinity);
      return;
    }
    // Dying here: all is written, nothing answered; a retry with the same command id is told the first answer.
    const now = Math.max(this.options.clock.now(), state.lastTime);
    for (const item of items) if (item.kind === 'read') answerRead(item, state, now);
    const last = sealed.at(-1); // what is decided on it already is not written yet
    if (last) this.committed = last.event.position + 1;
    for (const each of staged) this.tellOf(state, each);
    for (const each of staged) each.item?.landed?.();
  }

  /**
   * A batch that came too late is not written: what is not late in it is decided again. Where it is not known whether it
   * was written, the log that is loaded next shows it: what is in it is answered, the rest refused.
   */
  private afterFailure(item: Item, error: unknown, notAfter: number): void {
    const reason = error instanceof Unwritten ? error.reason : 'unknown';
    const deadline = item.kind === 'command' ? item.deadline : undefined;
    if (reason === 'late' && item.kind === 'command' && deadline !== undefined && deadline <= notAfter)
      return item.resolve(TOO_LATE);
    if (reason === 'late') return void this.redo.push(item);
    if (reason === 'unknown' && item.kind === 'command' && deadline !== undefined && !item.unsure)
      return void this.redo.push({ ...item, unsure: true });
    this.refuse(item, 'the decision could not be written; retry with the same key');
  }

  private tellOf(state: LogState, staged: Staged): void {
    const told = this.answer(state, staged).finally(() => this.telling.delete(told));
    this.telling.add(told);
  }

  /** What time has ended comes first, so that no command of this batch acts under it. */
  private ticks(state: LogState, now: number, { sealed, staged }: Batch): void {
    for (let i = 0; i < TICKS_PER_BATCH && sealed.length < mostEvents(); i++) {
      const next = state.deadlines.peek();
      if (!next || next.at > now) break;
      const command = {
        type: 'tick',
        log: state.log,
        // the owner's own: a position is written once, so nobody else's command has this id
        commandId: `cmd_tick_${String(state.next).padStart(10, '0')}`,
        actor: { kind: 'system', id: 'delegation' },
      } as const;
      staged.push(this.decideInto(state, command, now, sealed, undefined));
    }
  }

  /**
   * Writes what was counted of refusals. Dying before the commit: the counts are lost, and nothing else; each refusal
   * was answered, and none of them changed anything.
   */
  private sumUp(state: LogState, now: number, batch: Batch): void {
    const taken = this.refusals.take(now);
    batch.counted.push(...taken);
    for (const { since, ...counts } of taken) {
      const command = {
        type: 'summarizeRefusals',
        log: state.log,
        commandId: `cmd_refusals_${String(state.next).padStart(10, '0')}`,
        actor: { kind: 'system', id: 'delegation' },
        since: rfc3339(since),
        ...counts,
      } as const;
      batch.staged.push(this.decideInto(state, command, now, batch.sealed, undefined));
    }
  }

  private stage(state: LogState, item: CommandItem, now: number, sealed: Sealed[]): Staged {
    const parsed = readCommand(item.raw);
    if (!parsed.success) return refusedBy(item, badCommand(parsed.error.issues));
    if (OWN_COMMANDS.includes(parsed.data.type)) return refusedBy(item, notFromOutside(parsed.data.type));
    const command = this.withPreview(parsed.data);
    const known = (isKeyed(command.commandId) ? state.keyed : state.tries).get(command.commandId);
    if (known) {
      if (known.requestDigest === command.requestDigest) return { item, events: [], replay: known };
      return refusedBy(item, {
        ok: false,
        refusal: {
          code: 'IDEMPOTENCY_KEY_REUSED',
          detail: 'this Idempotency-Key came with another request before; use a new key for a new request',
        },
      });
    }
    if (item.unsure) return refusedBy(item, notReady('the decision could not be written; retry with the same key'));
    const late = outOfTime(item.deadline, (this.options.storeClock ?? this.options.clock).now());
    return late ? refusedBy(item, late) : this.decideInto(state, command, now, sealed, item);
  }

  private decideInto(state: LogState, command: Command, now: number, sealed: Sealed[], item: Staged['item']): Staged {
    const decided = decide(state, command, now, this.options.rules);
    if (!decided.ok) {
      const { code, detail, reasons, extra, unwritten } = decided.error;
      if (unwritten) this.refusals.count(unwritten, now);
      const refused: Answer = {
        ok: false,
        refusal: { code, detail, ...(reasons ? { reasons } : {}), ...(extra ? { extra } : {}) },
      };
      const grew = code === 'BLAST_RADIUS_GREW' && command.type === 'revokeSelector';
      return grew ? { ...refusedBy(item, refused), shows: command } : refusedBy(item, refused);
    }
    const fresh = sealAll(state, command, now, decided.value);
    if (!fresh.ok) return refusedBy(item, { ok: false, refusal: fresh.error });
    for (const each of fresh.value) {
      evolve(state, each.event);
      sealed.push(each);
    }
    return { item, events: fresh.value.map((each) => each.event) };
  }

  /** A preview counts only as the owner gave it: same digest, same selector, not long ago. */
  private withPreview(command: Command): Command {
    if (command.type !== 'revokeSelector' || !command.previewed) return command;
    const known = this.previews.get(command.previewed.digest);
    if (known && known.meant === said(command))
      return { ...command, previewed: { digest: command.previewed.digest, asOf: known.asOf } };
    return { ...command, previewed: undefined };
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
      throw new Unwritten(`append at ${log}@${first} was refused: ${JSON.stringify(result)}`, result.reason);
    // Dying here: nobody is told; followers look into the log by themselves.
    this.announce({ log, from: first, next: first + events.length, time: (sealed.at(-1) as Sealed).event.time });
  }

  /** It is written: whatever becomes of the news of it, the answer stands. */
  private announce(commit: Announcement): void {
    try {
      this.options.publish(commit);
    } catch (error) {
      this.options.warn('a commit was not announced; followers look into the log', error);
    }
  }

  private async answer(state: LogState, staged: Staged): Promise<void> {
    if (!staged.item) return;
    try {
      staged.item.resolve(await this.shown(staged, staged.answer ?? (await this.tell(state, staged))));
    } catch (error) {
      if (error instanceof QueueFullError) return staged.item.resolve(tooMany(error.message));
      this.options.warn('an answer could not be told', error);
      staged.item.resolve(notReady('the decision was written but could not be told; retry with the same key'));
    }
  }

  /** A refusal that is to show a new preview, with it; without, where it cannot be counted now: the refusal stands. */
  private async shown({ shows }: Staged, answer: Answer): Promise<Answer> {
    if (!shows || answer.ok) return answer;
    const preview = await this.preview(shows).catch(() => undefined);
    return preview ? { ok: false, refusal: { ...answer.refusal, extra: { preview } } } : answer;
  }

  private async tell(state: LogState, { events, replay }: Staged): Promise<Answer> {
    const { eventlog } = this.options;
    const told = replay ? await this.again(replay) : events;
    const aside = replay && told.map(({ treeId }) => asideBy(state, treeId)).find((each) => each !== undefined);
    if (aside) return { ok: false, refusal: setAsideRefusal(aside.position) };
    const known = replay ? await stateToTell(eventlog, state, told, this.archivedTrees) : state;
    return answerOf(known, told, await wordsFor(eventlog, known, wordsNeeded(told)));
  }

  private async again({ first, count }: CommandNode): Promise<Event[]> {
    const events = await this.options.eventlog.read(this.options.log, first, count);
    return events.map((event) => parseEvent(event.body));
  }

  private refuse(item: Item, detail: string): void {
    if (item.kind === 'command') item.resolve(notReady(detail));
    else item.reject(new Error(detail));
  }
}

/** What a preview was of: another target is another revocation. */
function said(meant: Meant): string {
  const target = targetOf(meant);
  // a quarantine reaches what is issued later; only one of a tool reaches what is there
  return canonicalize({ selector: meant.selector, target, quarantine: target === 'tool' && meant.quarantine === true });
}
