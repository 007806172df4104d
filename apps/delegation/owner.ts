import { answerOf, wordsNeeded } from '#authority/answer';
import { decide } from '#authority/decide';
import type { Rules } from '#authority/decide/types';
import { evolve } from '#authority/evolve';
import { preview } from '#authority/preview';
import { seal, type Sealed } from '#authority/seal';
import { isKeyed, type CommandNode, type LogState } from '#authority/state';
import { readCommand, type Answer, type Command } from '#contracts/command';
import { parseEvent, type Event } from '#contracts/event';
import { canonicalize } from '#kernel/canonical';
import type { Announcement } from '#bus/cloudevent';
import type { Clock, Timer } from '#kernel/clock';
import { LIMITS } from '#kernel/limits';
import { Mailbox } from './mailbox';
import { wordsFor } from './words';
import type { OwnerLog } from './ports';
import { loadState } from '#platform/log-state';

type Item =
  | { kind: 'command'; raw: unknown; resolve: (answer: Answer) => void }
  | {
      kind: 'read';
      read: (state: LogState, now: number) => unknown;
      resolve: (value: unknown) => void;
      reject: (error: unknown) => void;
    };

type CommandItem = Extract<Item, { kind: 'command' }>;

/** One command on its way through a batch: what it made, or why it made nothing. */
interface Staged {
  readonly item: CommandItem | undefined;
  readonly events: readonly Event[];
  readonly payloads: readonly Sealed[];
  /** the answer that is known already: a refusal */
  readonly answer?: Answer;
  /** a command that was answered before: where its events stand */
  readonly replay?: CommandNode;
}

export interface OwnerOptions {
  readonly log: string;
  readonly eventlog: OwnerLog;
  readonly rules: Rules;
  readonly clock: Clock;
  /** wakes an owner that waits for commands; the system's where it is left out */
  readonly timer?: Timer;
  /** told after each commit up to where the log reaches; may lose it (followers look into the log) */
  readonly publish: (commit: Announcement) => void;
  readonly warn: (message: string, cause?: unknown) => void;
  /** proves to the store that this owner still holds the log's lease */
  readonly fence?: { owner: string; epoch: number };
}

/**
 * The one writer of a log. Takes all that waits, decides and folds it in memory, commits it with one INSERT, and only
 * then answers (I4). It waits for nothing but its own commit. If it cannot know whether a commit happened, or another
 * owner has written, it drops its state: the way back is the way it started.
 */
export class LogOwner {
  private state: LogState | undefined;
  private readonly mailbox: Mailbox<Item>;
  private stopped = false;
  private finished: Promise<void> | undefined;
  private readonly previews = new Map<string, { selector: string; asOf: number; at: number }>();

  constructor(private readonly options: OwnerOptions) {
    this.mailbox = new Mailbox(LIMITS.mailboxCommands, options.timer);
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

  /** One past the last event that is written or about to be. */
  get position(): number {
    return this.state?.next ?? 0;
  }

  submit(raw: unknown): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.stopped) resolve(notReady('this owner is shutting down'));
      else if (!this.mailbox.put({ kind: 'command', raw, resolve })) resolve(tooMany());
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

  /** A preview, remembered so that an execution can name it. */
  preview(selector: Parameters<typeof preview>[1]): Promise<ReturnType<typeof preview>> {
    return this.read((state, now) => this.shown(state, selector, now));
  }

  private shown(state: LogState, selector: Parameters<typeof preview>[1], now: number): ReturnType<typeof preview> {
    const view = preview(state, selector, now);
    this.previews.set(view.digest, { selector: canonicalize(selector), asOf: view.asOf, at: now });
    for (const [digest, { at }] of this.previews) {
      if (this.previews.size <= LIMITS.previewsKept && at > now - LIMITS.previewMs) break;
      this.previews.delete(digest);
    }
    return view;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const state = this.state ?? (await this.load());
      if (!state || this.stopped) continue; // asked to stop while it was loading: nobody would wake it
      const items = await this.mailbox.take(LIMITS.commandsPerMessage * 4, this.patience(state));
      try {
        await this.batch(state, items);
      } catch (error) {
        this.options.warn('a batch failed; the state is dropped and refolded', error);
        this.state = undefined;
        for (const item of items) this.refuse(item, 'the decision could not be written; retry with the same key');
      }
    }
    for (const item of await this.mailbox.take(Infinity, 0)) this.refuse(item, 'this owner has shut down');
  }

  private patience(state: LogState): number {
    const next = state.deadlines.peek();
    if (!next) return IDLE_MS;
    return Math.max(0, Math.min(IDLE_MS, next.at - this.options.clock.now()));
  }

  /** A log that does not fold is not served (I11): try again, and say so. */
  private async load(): Promise<LogState | undefined> {
    const { log, eventlog, warn } = this.options;
    try {
      return (this.state = await loadState(log, eventlog, warn));
    } catch (error) {
      warn(`log ${log} could not be loaded; trying again`, error);
      const waiting = await this.mailbox.take(Infinity, RELOAD_MS);
      for (const item of waiting) this.refuse(item, 'the log cannot be read at the moment');
      return undefined;
    }
  }

  private async batch(state: LogState, items: readonly Item[]): Promise<void> {
    const clock = this.options.clock.now();
    const now = Math.max(clock, state.lastTime);
    const wrong = state.lastTime - clock > LIMITS.clockBackMs ? clockWentBack(state.lastTime - clock) : undefined;
    const sealed: Sealed[] = [];
    const staged: Staged[] = this.ticks(state, now, sealed);
    const late: CommandItem[] = [];
    for (const item of items) {
      if (item.kind !== 'command') continue;
      if (sealed.length < LIMITS.appendBatchEvents / 2)
        staged.push(wrong && !onlyTightens(item.raw) ? refusedBy(item, wrong) : this.stage(state, item, now, sealed));
      else late.push(item);
    }
    // Dying before this line: nothing was written, nothing was answered; clients retry with their keys.
    if (sealed.length > 0) await this.commit(sealed);
    // Dying here: all is written, nothing answered; a retry with the same command id is told the first answer.
    // what did not fit waits again only now: had the commit failed, it would have been refused with the rest
    for (const item of late) if (!this.mailbox.put(item)) item.resolve(tooMany());
    for (const item of items) {
      if (item.kind === 'read') answerRead(item, state, now);
    }
    await Promise.all(staged.map((each) => this.answer(state, each)));
  }

  /** What time has ended comes first, so that no command of this batch acts under it. */
  private ticks(state: LogState, now: number, sealed: Sealed[]): Staged[] {
    const staged: Staged[] = [];
    for (let i = 0; i < TICKS_PER_BATCH && sealed.length < LIMITS.appendBatchEvents / 2; i++) {
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
    return staged;
  }

  private stage(state: LogState, item: CommandItem, now: number, sealed: Sealed[]): Staged {
    const refused = (answer: Answer): Staged => ({ item, events: [], payloads: [], answer });
    const parsed = readCommand(item.raw);
    if (!parsed.success) return refused(badCommand(parsed.error.issues));
    const command = this.withPreview(parsed.data);
    const known = (isKeyed(command.commandId) ? state.keyed : state.tries).get(command.commandId);
    if (known) {
      if (known.requestDigest === command.requestDigest) return { item, events: [], payloads: [], replay: known };
      return refused({
        ok: false,
        refusal: {
          code: 'IDEMPOTENCY_KEY_REUSED',
          detail: 'this Idempotency-Key came with another request before; use a new key for a new request',
        },
      });
    }
    return this.decideInto(state, command, now, sealed, item);
  }

  private decideInto(state: LogState, command: Command, now: number, sealed: Sealed[], item: Staged['item']): Staged {
    const decided = decide(state, command, now, this.options.rules);
    if (!decided.ok) {
      const { code, detail, reasons, extra } = decided.error;
      const more =
        code === 'BLAST_RADIUS_GREW' && command.type === 'revokeSelector'
          ? { preview: this.shown(state, command.selector, now) }
          : extra;
      return {
        item,
        events: [],
        payloads: [],
        answer: {
          ok: false,
          refusal: { code, detail, ...(reasons ? { reasons } : {}), ...(more ? { extra: more } : {}) },
        },
      };
    }
    const fresh = decided.value.map((event, i) => seal(state, command, now, event, state.next + i));
    const detail = fresh.map(tooLarge).find((text) => text !== undefined);
    if (detail !== undefined) {
      return { item, events: [], payloads: [], answer: { ok: false, refusal: { code: 'TOO_LARGE', detail } } };
    }
    for (const each of fresh) {
      evolve(state, each.event);
      sealed.push(each);
    }
    return { item, events: fresh.map((each) => each.event), payloads: fresh };
  }

  /** A preview counts only as the owner gave it: same digest, same selector, not long ago. */
  private withPreview(command: Command): Command {
    if (command.type !== 'revokeSelector' || !command.previewed) return command;
    const known = this.previews.get(command.previewed.digest);
    if (known && known.selector === canonicalize(command.selector))
      return { ...command, previewed: { digest: command.previewed.digest, asOf: known.asOf } };
    return { ...command, previewed: undefined };
  }

  private async commit(sealed: readonly Sealed[]): Promise<void> {
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
    const result = await eventlog.append(log, first, events, fence);
    if (!result.ok) throw new Error(`append at ${log}@${first} was refused: ${JSON.stringify(result)}`);
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
      staged.item.resolve(staged.answer ?? (await this.tell(state, staged)));
    } catch (error) {
      this.options.warn('an answer could not be told', error);
      staged.item.resolve(notReady('the decision was written but could not be told; retry with the same key'));
    }
  }

  private async tell(state: LogState, { events, replay }: Staged): Promise<Answer> {
    const told = replay ? await this.again(replay) : events;
    const words = await wordsFor(this.options.eventlog, state, wordsNeeded(told));
    return answerOf(state, told, words);
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

/**
 * I11: by a clock that went back nobody can say what has expired. Until it has caught up with the log nothing is
 * decided but what takes authority away.
 */
const TIGHTENING: readonly unknown[] = ['revokeGrant', 'revokeSelector', 'suspend', 'recordDrift'];
const onlyTightens = (raw: unknown): boolean => TIGHTENING.includes((raw as { type?: unknown } | null)?.type);
const clockWentBack = (ms: number): Answer =>
  notReady(
    `the clock of this service is ${Math.ceil(ms / 1_000)} s behind the newest event; nothing is decided until it is right`,
  );
const refusedBy = (item: CommandItem, answer: Answer): Staged => ({ item, events: [], payloads: [], answer });

const IDLE_MS = 1_000;
const RELOAD_MS = 200;
const TICKS_PER_BATCH = 500;

function answerRead(item: Extract<Item, { kind: 'read' }>, state: LogState, now: number): void {
  try {
    item.resolve(item.read(state, now));
  } catch (error) {
    item.reject(error);
  }
}

/** What does not fit, in words. Told before it is folded: a store that refused it would fail the whole batch with it. */
function tooLarge({ event, body, payload }: Sealed): string | undefined {
  const bytes = Buffer.byteLength(body);
  if (bytes > LIMITS.eventBodyBytes)
    return `this would make a ${event.type} event of ${bytes} bytes; at most ${LIMITS.eventBodyBytes} fit. Send digests instead of long values`;
  const beside = payload === undefined ? 0 : Buffer.byteLength(payload);
  if (beside > LIMITS.payloadBytes)
    return `the texts of this request take ${beside} bytes; at most ${LIMITS.payloadBytes} fit. Send shorter ones`;
  return undefined;
}

const notReady = (detail: string): Answer => ({ ok: false, refusal: { code: 'NOT_READY', detail } });
const tooMany = (): Answer => ({
  ok: false,
  refusal: { code: 'TOO_MANY', detail: 'the log has more commands waiting than it takes; try again shortly' },
});

function badCommand(issues: readonly { path: PropertyKey[]; message: string }[]): Answer {
  const detail = issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'command'}: ${issue.message}`)
    .join('; ');
  return { ok: false, refusal: { code: 'BAD_REQUEST', detail } };
}
