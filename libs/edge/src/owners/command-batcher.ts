import type { Bus } from '@bailiwick/messaging/connect';
import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { z } from 'zod';
import { Refused } from '../refused';
import { answer, pause, RETRY_MS } from './retry';

const answers = z.compile(z.object({ answers: z.array(answer), of: z.array(z.number()).optional() }), { strict: true });

/** The connection to the owners of the logs. */
export interface Owners {
  /** Sends one message of commands to the owner of a log. */
  sendCommands(log: string, body: unknown, ms: number, onPart: (part: unknown) => void): ReturnType<Bus['request']>;
  /** @throws Refused NOT_FOUND if the tenant has no such log */
  refuseUnknown(log: string): Promise<void>;
}

interface Queue {
  waiting: PendingCommand[];
  inFlight: number;
  /** messages whose commands are all decided, with some answers still to come; and the number of those answers */
  slow: number;
  slowCommands: number;
}

interface PendingCommand {
  readonly command: Command;
  /** the same object for all commands of one request; undefined for the only command of a request */
  readonly request: object | undefined;
  /** by the monotonic clock, so that a change of the wall clock does not change the wait */
  readonly until: number;
  resolve(answer: Answer): void;
  reject(error: Refused): void;
  isAnswered?: true;
}

/** Messages in flight per log: one is read, one decided, one written, one answered. */
const IN_FLIGHT = 4;
/** These messages share the waiting commands, so that none is idle; but one message costs as much as several commands. */
const WORTH_A_MESSAGE = 64;
/** Messages with slow answers, which block no others. An owner accepts more than this from all gateways together. */
const MOST_SLOW = 96;

/**
 * Queues commands per log and sends the waiting ones of a log in one message. A message without a response is sent
 * again with the same command ids, and the owner repeats its first answers (I4).
 *
 * The owner also has a queue and batches (`Mailbox`, `Batch`). This queue saves messages, of which an owner handles
 * far fewer per second than commands, and keeps commands while a log has no owner. That one saves commits, and bounds
 * what all gateways together send to a log.
 */
export class CommandBatcher {
  private readonly queues = new Map<string, Queue>();

  constructor(private readonly owners: Owners) {}

  /** The number of logs with waiting or unanswered commands. */
  get size(): number {
    return this.queues.size;
  }

  submit(command: Command): Promise<Answer> {
    return this.put(command, undefined);
  }

  /**
   * Submits the commands of one request, which are decided in order: all of them, or none if the queue lacks room.
   * @throws Refused TOO_MANY
   */
  async submitAll(commands: readonly Command[]): Promise<Answer[]> {
    this.expectRoom(commands);
    const request = {};
    return Promise.all(commands.map((command) => this.put(command, request)));
  }

  private put(command: Command, request: object | undefined): Promise<Answer> {
    const queue = this.queues.get(command.log) ?? { waiting: [], inFlight: 0, slow: 0, slowCommands: 0 };
    this.queues.set(command.log, queue);
    if (queue.waiting.length + queue.slowCommands >= LIMITS.commandsWaiting) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      const until = performance.now() + LIMITS.commandTimeoutMs;
      // The owner refuses the command `clockBackMs` before this gateway gives up, so a 503 means that it was not run.
      const dated = { ...command, deadline: systemClock.now() + LIMITS.commandTimeoutMs - LIMITS.clockBackMs };
      queue.waiting.push({ command: dated, request, until, resolve, reject });
      // requests of the same turn of the event loop share a message
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

  private pump(log: string): void {
    const queue = this.queues.get(log);
    if (!queue || queue.inFlight >= IN_FLIGHT) return;
    if (queue.waiting.length === 0) {
      // an id can name any log number, so an idle queue must not stay in memory
      if (queue.inFlight + queue.slow === 0) this.queues.delete(log);
      return;
    }
    const now = performance.now();
    // commands are in order of arrival, and all have the same time limit: the expired ones come first
    const late = queue.waiting.findIndex((each) => each.until > now);
    for (const each of queue.waiting.splice(0, late < 0 ? queue.waiting.length : late))
      each.reject(new Refused('NOT_READY', NO_OWNER));
    const share = Math.max(WORTH_A_MESSAGE, Math.ceil(queue.waiting.length / IN_FLIGHT));
    const batch = queue.waiting.splice(0, wholeRequests(queue.waiting, Math.min(share, LIMITS.commandsPerMessage)));
    if (batch.length === 0) return this.pump(log);
    this.dispatch(log, queue, batch);
    this.pump(log);
  }

  /** Sends one message. It stops counting as in flight once its first partial answer shows that all is decided. */
  private dispatch(log: string, queue: Queue, batch: readonly PendingCommand[]): void {
    let slow: number | undefined;
    queue.inFlight += 1;
    const onDecided = (): void => {
      if (slow !== undefined || queue.slow >= MOST_SLOW) return;
      slow = batch.filter((each) => !each.isAnswered).length;
      queue.inFlight -= 1;
      queue.slow += 1;
      queue.slowCommands += slow;
      this.pump(log);
    };
    void this.send(log, batch, onDecided).finally(() => {
      if (slow === undefined) queue.inFlight -= 1;
      else {
        queue.slow -= 1;
        queue.slowCommands -= slow;
      }
      this.pump(log);
    });
  }

  private async send(log: string, batch: readonly PendingCommand[], onDecided: () => void): Promise<void> {
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
      const reply = await this.owners.sendCommands(
        log,
        { commands: open.map((each) => each.command), requests: lengthsOf(open) },
        Math.max(1, until - performance.now()),
        (part) => {
          if (take(part)) onDecided();
        },
      );
      if (reply.ok && !take(reply.value))
        return refuse(new Refused('INTERNAL', 'the owner of the log sent a malformed response'));
      const left = open.filter((each) => !each.isAnswered);
      if (left.length === 0) return;
      if (reply.ok && !mayHaveRun)
        return refuse(new Refused('INTERNAL', 'the owner of the log left commands unanswered'));
      if (!reply.ok && reply.error.code === 'TOO_LARGE') {
        if (left.length === 1)
          return refuse(new Refused('TOO_LARGE', 'the command, or its answer, exceeds the maximum message size'));
        // the commands or their answers exceed one message; each half may fit, and the owner runs no command twice
        const half = left.length >> 1;
        await this.send(log, left.slice(0, half), onDecided);
        return this.send(log, left.slice(half), onDecided);
      }
      if (!reply.ok && reply.error.code === 'NO_RESPONDERS') {
        const refused = await this.owners.refuseUnknown(log).catch((error: unknown) => error as Refused);
        if (refused) return refuse(refused);
      }
      mayHaveRun ||= !reply.ok && reply.error.mayHaveRun;
      if (performance.now() + RETRY_MS >= until) return refuse(new Refused('NOT_READY', NO_OWNER));
      await pause();
    }
  }
}

/**
 * Gives each command its answer.
 * @param unsure whether an earlier copy of the message may still run: then NOT_READY is not final, and the command is
 * sent again while there is time. So a client gets a 503 only when no copy can run any more.
 * @returns false if the response is malformed
 */
function takeAnswers(open: readonly PendingCommand[], raw: unknown, unsure: boolean): boolean {
  const parsed = answers.safeParse(raw);
  if (!parsed.success) return false;
  const { answers: all, of = open.map((_, i) => i) } = parsed.data;
  if (all.length !== of.length || of.some((i) => !open[i])) return false;
  of.forEach((nth, i) => {
    const [each, reply] = [open[nth] as PendingCommand, all[i] as Answer];
    if (each.isAnswered || (unsure && !reply.ok && reply.refusal.code === 'NOT_READY')) return;
    each.isAnswered = true;
    each.resolve(reply);
  });
  return true;
}

/** Returns the number of consecutive commands of each request. */
function lengthsOf(open: readonly PendingCommand[]): number[] {
  const lengths: number[] = [];
  open.forEach(({ request }, i) => {
    const isOfOneBefore = request !== undefined && request === open[i - 1]?.request;
    lengths.push(isOfOneBefore ? (lengths.pop() ?? 0) + 1 : 1);
  });
  return lengths;
}

/** Returns how many of the first `most` commands to send together: a request in two messages could run out of order. */
function wholeRequests(waiting: readonly PendingCommand[], most: number): number {
  let n = most;
  while (n > 0 && waiting[n]?.request !== undefined && waiting[n]?.request === waiting[n - 1]?.request) n -= 1;
  return n === 0 ? most : n;
}

const tooMany = (): Refused => new Refused('TOO_MANY', 'too many requests are waiting; try again shortly');
const NO_OWNER = 'the owner of the log cannot be reached at the moment; try again with the same Idempotency-Key';
