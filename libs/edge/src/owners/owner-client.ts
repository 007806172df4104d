import type { Bus } from '@bailiwick/messaging/connect';
import { busFailure } from '@bailiwick/messaging/failure';
import { adminSubject, OWNED } from '@bailiwick/messaging/subjects';
import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import type { Query } from '@bailiwick/contracts/queries/query';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { err } from '@bailiwick/core/result';
import { z } from 'zod';
import { fromAnswer, fromCommand, Refused } from '../refused';
import { CommandBatcher } from './command-batcher';
import { requestWithRetries, type Send } from './retry';

const logList = z.object({ ok: z.literal(true), value: z.object({ logs: z.array(z.string()) }) });

const owned = z.object({ log: z.string() });

/** The subjects on which the owner of a log accepts the requests of a service. */
export interface OwnerSubjects {
  readonly commands: (log: string) => string;
  readonly queries: (log: string) => string;
}

/** Sends commands and queries to the owners of the logs. */
export class OwnerClient {
  private readonly commands = new CommandBatcher({
    sendCommands: (log, body, ms, onPart) => this.askOwner(log, this.subjects.commands(log), body, ms, onPart),
    refuseUnknown: (log) => this.refuseUnknown(log),
  });
  /** log → listeners for its next owner */
  private readonly moves = new Map<string, Set<() => void>>();

  constructor(
    protected readonly bus: Bus,
    private readonly subjects: OwnerSubjects,
  ) {
    bus.listen(OWNED, (raw) => {
      const notice = owned.safeParse(raw);
      if (notice.success) for (const moved of [...(this.moves.get(notice.data.log) ?? [])]) moved();
    });
  }

  /** @throws Refused with the owner's refusal, or NOT_READY if no owner could be reached in time (I11) */
  async command<T>(command: Command): Promise<T> {
    const reply = await this.submit(command);
    if (!reply.ok) throw fromCommand(reply.refusal);
    return reply.value as T;
  }

  submit(command: Command): Promise<Answer> {
    return this.commands.submit(command);
  }

  /**
   * Submits the commands of one request, which are decided in order: all of them, or none if the queue lacks room.
   * @throws Refused TOO_MANY
   */
  submitAll(commands: readonly Command[]): Promise<Answer[]> {
    return this.commands.submitAll(commands);
  }

  async query<T>(query: Query): Promise<T> {
    return valueOf<T>(await this.question(query));
  }

  /** Sends a query, and returns a refusal as a value. */
  question(query: Query): Promise<Answer> {
    const onNoResponders = (): Promise<void> => this.refuseUnknown(query.log);
    const send: Send = (ms) => this.askOwner(query.log, this.subjects.queries(query.log), query, ms);
    return requestWithRetries(send, {
      recipient: 'the owner of the log',
      timeoutMs: LIMITS.queryTimeoutMs,
      onNoResponders,
    });
  }

  /**
   * Sends one attempt to the owner of a log. The attempt ends as soon as the log has another owner, since the previous
   * one may have stopped and never respond.
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
      return await Promise.race([this.bus.request(subject, body, Math.min(ms, LIMITS.attemptMs), options), move]);
    } finally {
      moves.delete(moved);
      if (moves.size === 0) this.moves.delete(log);
    }
  }

  /**
   * Refuses a log that does not exist. A log without an owner is between two owners, and then the caller waits for the
   * next one; or it does not exist, since the id in a request can name any log number.
   * @throws Refused NOT_FOUND if the tenant has no such log
   */
  private async refuseUnknown(log: string): Promise<void> {
    const { tenant } = parseLogName(log);
    const reply = await this.bus.request(adminSubject('logs'), { tenant }, LIMITS.attemptMs);
    const parsed = reply.ok ? logList.safeParse(reply.value) : undefined;
    if (parsed?.success && !parsed.data.value.logs.includes(log))
      throw new Refused('NOT_FOUND', `Log ${log} not found.`);
  }
}

/** @throws Refused with the refusal of an answer */
export function valueOf<T>(reply: Answer): T {
  if (reply.ok) return reply.value as T;
  throw fromAnswer(reply.refusal);
}
