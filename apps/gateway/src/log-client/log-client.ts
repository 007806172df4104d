import { Inject, Injectable } from '@nestjs/common';
import type { Bus } from '@bailiwick/messaging/connect';
import { busFailure } from '@bailiwick/messaging/failure';
import { commandSubject, ledgerSubject, querySubject, adminSubject, OWNED } from '@bailiwick/messaging/subjects';
import { DEADLINE_HEADER, type Answer, type Command } from '@bailiwick/contracts/command';
import type { Query } from '@bailiwick/contracts/query';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { err } from '@bailiwick/core/result';
import { z } from 'zod';
import { BUS } from '../config';
import { fromAnswer, Refused } from '../http/problem';

const answer = z.union([
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({
    ok: z.literal(false),
    refusal: z.object({
      code: z.string(),
      detail: z.string(),
      reasons: z.array(z.unknown()).optional(),
      extra: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
]);
const answers = z.compile(z.object({ answers: z.array(answer), of: z.array(z.number()).optional() }), { strict: true });
const logList = z.object({ ok: z.literal(true), value: z.object({ logs: z.array(z.string()) }) });

const owned = z.object({ log: z.string() });

/** What is looked at by its id. */
type Looked = 'run' | 'grant' | 'tree' | 'approval';

type Send = (ms: number) => ReturnType<Bus['request']>;

interface Queue {
  waiting: Waiting[];
  flying: number;
  /** messages of which all is decided, and some answers take longer; and their commands without an answer */
  slow: number;
  slowCommands: number;
}

interface Waiting {
  readonly command: Command;
  /** the same for the commands of one request; left out where it has only this one */
  readonly request: object | undefined;
  /** by the monotonic clock: however the wall clock is set, it waits just as long */
  readonly until: number;
  resolve(answer: Answer): void;
  reject(error: Refused): void;
  isAnswered?: true;
}

/** Messages to one log that may be on their way at once: one is read, one decided, one written, one answered. */
const IN_FLIGHT = 4;
/** They share what waits, so that none of them has nothing to do; but one message costs what several commands do. */
const WORTH_A_MESSAGE = 64;
/**
 * Messages whose answers take longer, and which hold up no other: fewer than an owner takes from all gateways together.
 */
const MOST_SLOW = 96;
const TRY_MS = 3_000;
const QUERY_MS = 5_000;
const RETRY_MS = 100;

/**
 * Speaks to the logClient of the logs. Commands that wait for one log travel together; a message that gets no
 * answer is sent again with the same command ids, which the owner answers as it did the first time (I4).
 */
@Injectable()
export class LogClient {
  private readonly queues = new Map<string, Queue>();
  /** log → who to tell that it has another owner now */
  private readonly moves = new Map<string, Set<() => void>>();

  constructor(@Inject(BUS) private readonly bus: Bus) {
    bus.listen(OWNED, (raw) => {
      const said = owned.safeParse(raw);
      if (said.success) for (const moved of [...(this.moves.get(said.data.log) ?? [])]) moved();
    });
  }

  /** @throws Refused with what the owner said, or NOT_READY where none could be reached in time (I11) */
  async command<T>(command: Command): Promise<T> {
    return value<T>(await this.submit(command));
  }

  submit(command: Command): Promise<Answer> {
    return this.put(command, undefined);
  }

  /**
   * The commands of one request, which are decided in their order. They all find room, or none is carried out.
   * @throws Refused TOO_MANY
   */
  async submitAll(commands: readonly Command[]): Promise<Answer[]> {
    this.expectRoom(commands);
    const request = {};
    return Promise.all(commands.map((command) => this.put(command, request)));
  }

  private put(command: Command, request: object | undefined): Promise<Answer> {
    const queue = this.queues.get(command.log) ?? { waiting: [], flying: 0, slow: 0, slowCommands: 0 };
    this.queues.set(command.log, queue);
    if (queue.waiting.length + queue.slowCommands >= LIMITS.commandsWaiting) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      const until = performance.now() + LIMITS.commandTimeoutMs;
      // The owner refuses it `clockBackMs` before it is given up here: who is answered 503 has had nothing done.
      const dated = { ...command, deadline: Date.now() + LIMITS.commandTimeoutMs - LIMITS.clockBackMs };
      queue.waiting.push({ command: dated, request, until, resolve, reject });
      // the requests of this turn of the loop go together
      if (queue.waiting.length === 1) setImmediate(() => this.pump(command.log));
    });
  }

  private expectRoom(commands: readonly Command[]): void {
    for (const log of new Set(commands.map((each) => each.log))) {
      const asked = commands.filter((each) => each.log === log).length;
      const queue = this.queues.get(log);
      if ((queue ? queue.waiting.length + queue.slowCommands : 0) + asked > LIMITS.commandsWaiting) throw tooMany();
    }
  }

  async query<T>(query: Query): Promise<T> {
    return value<T>(await this.question(query));
  }

  /**
   * One thing by its id, as it is now. An owner forgets what ended long ago, and the ledger finds that again in the log:
   * where it cannot be asked, nobody can say that there is no such thing.
   * @throws Refused NOT_FOUND, or NOT_READY where one of the two could not be reached in time (I11)
   */
  async look<T>(kind: Looked, log: string, id: string): Promise<T> {
    const reply = await this.question({ op: kind, log, id });
    if (reply.ok || reply.refusal.code !== 'NOT_FOUND') return value<T>(reply);
    return this.ledger<T>('ended', { tenant: parseLogName(log).tenant, kind, id });
  }

  private question(query: Query): Promise<Answer> {
    const known = (): Promise<void> => this.refuseUnknown(query.log);
    const send: Send = (ms) => this.askOwner(query.log, querySubject(query.log), query, ms);
    return this.ask(send, 'the owner of the log', QUERY_MS, known);
  }

  async ledger<T>(op: string, body: Record<string, unknown>, timeoutMs: number = LIMITS.commandTimeoutMs): Promise<T> {
    return value<T>(await this.ask(this.to(ledgerSubject(op), body), 'the ledger', timeoutMs));
  }

  async admin<T>(op: string, body: Record<string, unknown>): Promise<T> {
    // as a command's: what is answered 503 is not done later
    const headers = { [DEADLINE_HEADER]: String(Date.now() + QUERY_MS - LIMITS.clockBackMs) };
    const send: Send = (ms) => this.bus.request(adminSubject(op), body, ms, { headers });
    return value<T>(await this.ask(send, 'the delegation service'));
  }

  private to(subject: string, body: unknown): Send {
    return (ms) => this.bus.request(subject, body, ms);
  }

  /**
   * One try. It is over as soon as the log has another owner: the one that was asked may be gone, or stopped, and would
   * be waited for in vain.
   */
  private async askOwner(
    log: string,
    subject: string,
    body: unknown,
    ms: number,
    onPart?: (part: unknown) => void,
  ): ReturnType<Send> {
    const moves = this.moves.get(log) ?? new Set();
    this.moves.set(log, moves);
    let moved = (): void => undefined;
    const move = new Promise<Awaited<ReturnType<Send>>>((resolve) => {
      moved = () => resolve(err(busFailure('TIMEOUT', subject, 'the log has another owner now')));
    });
    moves.add(moved);
    try {
      const options = onPart && { onPart };
      return await Promise.race([this.bus.request(subject, body, Math.min(ms, TRY_MS), options), move]);
    } finally {
      moves.delete(moved);
      if (moves.size === 0) this.moves.delete(log);
    }
  }

  /** @param unheard is called where nobody serves the subject; what it throws ends the asking */
  private async ask(
    send: Send,
    who: string,
    timeoutMs = QUERY_MS,
    unheard: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Answer> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const reply = await send(Math.max(1, until - performance.now()));
      if (reply.ok) {
        const parsed = answer.safeParse(reply.value);
        if (!parsed.success) throw new Refused('INTERNAL', `${who} gave an answer of no known form`);
        return parsed.data;
      }
      if (reply.error.code === 'NO_RESPONDERS') await unheard();
      if (reply.error.code === 'TOO_LARGE')
        throw new Refused(
          'TOO_LARGE',
          `what ${who} has to say to this is too much for one answer: ${reply.error.detail}`,
        );
      if (performance.now() + RETRY_MS >= until)
        throw new Refused('NOT_READY', `${who} cannot be reached at the moment; try again`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  /**
   * A log without an owner may be between two logClient, or not there at all: an id that somebody made up names any log
   * number. The first is waited for, the second is not found.
   * @throws Refused NOT_FOUND where the tenant has no such log
   */
  private async refuseUnknown(log: string): Promise<void> {
    const { tenant } = parseLogName(log);
    const reply = await this.bus.request(adminSubject('logs'), { tenant }, TRY_MS);
    const parsed = reply.ok ? logList.safeParse(reply.value) : undefined;
    if (parsed?.success && !parsed.data.value.logs.includes(log))
      throw new Refused('NOT_FOUND', 'no such id is known here');
  }

  private pump(log: string): void {
    const queue = this.queues.get(log);
    if (!queue || queue.flying >= IN_FLIGHT) return;
    if (queue.waiting.length === 0) {
      if (queue.flying + queue.slow === 0) this.queues.delete(log); // an id that somebody made up names any log number
      return;
    }
    const now = performance.now();
    // they came in this order, and all wait equally long: those whose time is up stand first
    const late = queue.waiting.findIndex((each) => each.until > now);
    for (const each of queue.waiting.splice(0, late < 0 ? queue.waiting.length : late))
      each.reject(new Refused('NOT_READY', NO_OWNER));
    const share = Math.max(WORTH_A_MESSAGE, Math.ceil(queue.waiting.length / IN_FLIGHT));
    const batch = queue.waiting.splice(0, wholeRequests(queue.waiting, Math.min(share, LIMITS.commandsPerMessage)));
    if (batch.length === 0) return this.pump(log);
    this.dispatch(log, queue, batch);
    this.pump(log);
  }

  /** One message, which gives its place to the next as soon as its owner has shown that only answers are waited for. */
  private dispatch(log: string, queue: Queue, batch: readonly Waiting[]): void {
    let slow: number | undefined;
    queue.flying += 1;
    const heard = (): void => {
      if (slow !== undefined || queue.slow >= MOST_SLOW) return;
      slow = batch.filter((each) => !each.isAnswered).length;
      queue.flying -= 1;
      queue.slow += 1;
      queue.slowCommands += slow;
      this.pump(log);
    };
    void this.send(log, batch, heard).finally(() => {
      if (slow === undefined) queue.flying -= 1;
      else {
        queue.slow -= 1;
        queue.slowCommands -= slow;
      }
      this.pump(log);
    });
  }

  private async send(log: string, batch: readonly Waiting[], heard: () => void): Promise<void> {
    const until = Math.min(...batch.map((each) => each.until));
    let mayHaveRun = false;
    for (;;) {
      const open = batch.filter((each) => !each.isAnswered);
      const refuse = (refused: Refused): void =>
        open.forEach((each) => {
          if (each.isAnswered) return;
          each.isAnswered = true;
          each.reject(refused);
        });
      const take = (raw: unknown): boolean => takeAnswers(open, raw, mayHaveRun && performance.now() < until);
      const reply = await this.askOwner(
        log,
        commandSubject(log),
        { commands: open.map((each) => each.command), requests: lengthsOf(open) },
        Math.max(1, until - performance.now()),
        (part) => {
          if (take(part)) heard();
        },
      );
      if (reply.ok && !take(reply.value))
        return refuse(new Refused('INTERNAL', 'the owner of the log gave an answer of no known form'));
      const left = open.filter((each) => !each.isAnswered);
      if (left.length === 0) return;
      if (reply.ok && !mayHaveRun)
        return refuse(new Refused('INTERNAL', 'the owner of the log left commands without an answer'));
      if (!reply.ok && reply.error.code === 'TOO_LARGE') {
        if (left.length === 1) return refuse(new Refused('TOO_LARGE', 'the command, or its answer, is too large'));
        // together they, or their answers, fit in no message: in halves they may, and none is carried out twice
        const half = left.length >> 1;
        await this.send(log, left.slice(0, half), heard);
        return this.send(log, left.slice(half), heard);
      }
      if (!reply.ok && reply.error.code === 'NO_RESPONDERS') {
        const refused = await this.refuseUnknown(log).catch((error: unknown) => error as Refused);
        if (refused) return refuse(refused);
      }
      mayHaveRun ||= !reply.ok && reply.error.mayHaveRun;
      if (performance.now() + RETRY_MS >= until) return refuse(new Refused('NOT_READY', NO_OWNER));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/**
 * Gives each command its answer.
 * @param unsure an earlier copy of the message may still be carried out: an owner's NOT_READY is no answer then, and it
 * is asked again as long as there is time. So a client is answered 503 when no copy can be carried out any more.
 * @returns false where the reply has no known form
 */
function takeAnswers(open: readonly Waiting[], raw: unknown, unsure: boolean): boolean {
  const parsed = answers.safeParse(raw);
  if (!parsed.success) return false;
  const { answers: all, of = open.map((_, i) => i) } = parsed.data;
  if (all.length !== of.length || of.some((i) => !open[i])) return false;
  of.forEach((nth, i) => {
    const [each, said] = [open[nth] as Waiting, all[i] as Answer];
    if (each.isAnswered || (unsure && !said.ok && said.refusal.code === 'NOT_READY')) return;
    each.isAnswered = true;
    each.resolve(said);
  });
  return true;
}

/** How many commands, one after the other, each request has. */
function lengthsOf(open: readonly Waiting[]): number[] {
  const lengths: number[] = [];
  open.forEach(({ request }, i) => {
    const isOfOneBefore = request !== undefined && request === open[i - 1]?.request;
    lengths.push(isOfOneBefore ? (lengths.pop() ?? 0) + 1 : 1);
  });
  return lengths;
}

/** How many of the first `most` can go together: of a request in two messages the second may be decided first. */
function wholeRequests(waiting: readonly Waiting[], most: number): number {
  let n = most;
  while (n > 0 && waiting[n]?.request !== undefined && waiting[n]?.request === waiting[n - 1]?.request) n -= 1;
  return n === 0 ? most : n;
}

const tooMany = (): Refused => new Refused('TOO_MANY', 'too many requests are waiting; try again shortly');
const NO_OWNER = 'the owner of the log cannot be reached at the moment; try again with the same Idempotency-Key';

function value<T>(reply: Answer): T {
  if (reply.ok) return reply.value as T;
  throw fromAnswer(reply.refusal);
}
