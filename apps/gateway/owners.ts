import type { Bus } from '#bus/connect';
import { commandSubject, intentSubject, ledgerSubject, querySubject, adminSubject } from '#bus/subjects';
import type { Answer, Command } from '#contracts/command';
import type { Query } from '#contracts/query';
import { LIMITS } from '#kernel/limits';
import { z } from 'zod';
import { fromAnswer, Refused } from './refusal';

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
const answers = z.object({ answers: z.array(answer) });

interface Waiting {
  readonly command: Command;
  readonly until: number;
  resolve(answer: Answer): void;
  reject(error: Refused): void;
}

/** Messages to one log that may be on their way at once: enough that one can be answered while the next fills. */
const IN_FLIGHT = 4;
const WAITING_MOST = 10_000;
const TRY_MS = 3_000;
const RETRY_MS = 100;

/**
 * Speaks to the owners of the logs. All commands that wait for one log travel in one message; a message that gets no
 * answer is sent again with the same command ids, which the owner answers as it did the first time (I4).
 */
export class Owners {
  private readonly queues = new Map<string, { waiting: Waiting[]; flying: number }>();

  constructor(private readonly bus: Bus) {}

  /** @throws Refused with what the owner said, or NOT_READY where none could be reached in time (I11) */
  async command<T>(command: Command): Promise<T> {
    return value<T>(await this.submit(command));
  }

  submit(command: Command): Promise<Answer> {
    const queue = this.queues.get(command.log) ?? { waiting: [], flying: 0 };
    this.queues.set(command.log, queue);
    if (queue.waiting.length >= WAITING_MOST)
      return Promise.reject(new Refused('TOO_MANY', 'too many requests are waiting; try again shortly'));
    return new Promise((resolve, reject) => {
      queue.waiting.push({ command, until: Date.now() + LIMITS.commandTimeoutMs, resolve, reject });
      // the requests of this turn of the loop go together
      setImmediate(() => this.pump(command.log));
    });
  }

  async query<T>(query: Query): Promise<T> {
    return value<T>(await this.ask(querySubject(query.log), query, 'the owner of the log'));
  }

  async ledger<T>(op: string, body: Record<string, unknown>, timeoutMs: number = LIMITS.commandTimeoutMs): Promise<T> {
    return value<T>(await this.ask(ledgerSubject(op), body, 'the ledger', timeoutMs));
  }

  async admin<T>(op: string, body: Record<string, unknown>): Promise<T> {
    return value<T>(await this.ask(adminSubject(op), body, 'the delegation service'));
  }

  async intent<T>(op: string, body: Record<string, unknown>): Promise<T> {
    return value<T>(await this.ask(intentSubject(op), body, 'the intent monitor'));
  }

  private async ask(subject: string, body: unknown, who: string, timeoutMs = 5_000): Promise<Answer> {
    const until = Date.now() + timeoutMs;
    for (;;) {
      const reply = await this.bus.request(subject, body, Math.max(1, until - Date.now()));
      if (reply.ok) {
        const parsed = answer.safeParse(reply.value);
        if (!parsed.success) throw new Refused('INTERNAL', `${who} gave an answer of no known form`);
        return parsed.data;
      }
      if (Date.now() + RETRY_MS >= until)
        throw new Refused('NOT_READY', `${who} cannot be reached at the moment; try again`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  private pump(log: string): void {
    const queue = this.queues.get(log);
    if (!queue || queue.flying >= IN_FLIGHT || queue.waiting.length === 0) return;
    const batch = queue.waiting.splice(0, LIMITS.commandsPerMessage);
    queue.flying += 1;
    void this.send(log, batch).finally(() => {
      queue.flying -= 1;
      this.pump(log);
    });
    this.pump(log);
  }

  private async send(log: string, batch: readonly Waiting[]): Promise<void> {
    const until = Math.min(...batch.map((each) => each.until));
    for (;;) {
      const reply = await this.bus.request(
        commandSubject(log),
        { commands: batch.map((each) => each.command) },
        TRY_MS,
      );
      if (reply.ok) {
        const parsed = answers.safeParse(reply.value);
        if (parsed.success && parsed.data.answers.length === batch.length) {
          batch.forEach((each, i) => each.resolve(parsed.data.answers[i] as Answer));
        } else
          batch.forEach((each) =>
            each.reject(new Refused('INTERNAL', 'the owner of the log gave an answer of no known form')),
          );
        return;
      }
      if (Date.now() + RETRY_MS >= until) {
        batch.forEach((each) =>
          each.reject(
            new Refused(
              'NOT_READY',
              'the owner of the log cannot be reached at the moment; try again with the same Idempotency-Key',
            ),
          ),
        );
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function value<T>(reply: Answer): T {
  if (reply.ok) return reply.value as T;
  throw fromAnswer(reply.refusal);
}
