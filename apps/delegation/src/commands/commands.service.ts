import { Inject, Injectable } from '@nestjs/common';
import { commandMessage, type Answer, type CommandReply } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import type { Payloads } from '@bailiwick/event-store/payloads';
import type { Bus } from '@bailiwick/messaging/connect';
import type { Request } from '@bailiwick/messaging/nest-transport/serve';
import type { Logger } from 'pino';
import { BUS, LOGGER, PAYLOADS } from '../connections/tokens';
import { withFound, type Erasing } from '../erasure/erasing';
import { Reply } from '../log-owner/batching/reply';
import { deadlineFrom } from '../log-owner/deadline';
import { mayAsk, NOT_HERE, type Asker } from '../log-owner/may-ask';
import { notReady } from '../log-owner/refusals';
import type { OwnedLog } from '../ownership/owned-log';
import { needsDrift, withDrift } from './drift';
import { statesValues, withMarks } from './marks';
import { TreeKeys } from './tree-keys';

/** Handles messages of commands for the logs that this process owns. */
@Injectable()
export class CommandsService {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(PAYLOADS) private readonly payloads: Payloads,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly keys: TreeKeys,
  ) {}

  /** Carries out the commands of one message. Sends responses in parts; returns the last part. */
  handle(target: OwnedLog, raw: unknown, from: Asker, request: Pick<Request, 'part'>): Promise<CommandReply> {
    const parsed = commandMessage.safeParse(raw);
    if (!parsed.success)
      return Promise.resolve({
        answers: [{ ok: false, refusal: { code: 'BAD_REQUEST', detail: 'want { commands: [ … ] }' } }],
      });
    const { commands, requests = [commands.length] } = parsed.data;
    let first = 0;
    const groups = requests.map((count) => commands.slice(first, (first += count)));
    const prompt = groups.filter((group) => !needPreparation(target, group)).flat().length;
    const reply = new Reply(commands.length, prompt, (part) => request.part(part));
    let at = 0;
    for (const group of groups) {
      this.carryOut(target, group, at, from, reply);
      at += group.length;
    }
    return reply.rest;
  }

  /** Submits the commands of one request in order, after all of them are prepared. */
  private carryOut(target: OwnedLog, group: readonly unknown[], at: number, from: Asker, reply: Reply): void {
    const prepare = needPreparation(target, group);
    const submit = (command: unknown, i: number): void =>
      void this.submit(target, command, from, prepare ? undefined : () => reply.committed()).then((answer) =>
        reply.take(at + i, answer),
      );
    if (!prepare) return group.forEach(submit);
    Promise.all(group.map((command) => this.prepared(target, command))).then(
      (commands) => commands.forEach(submit),
      (error: unknown) => {
        this.logger.warn({ err: error }, 'a command could not be prepared');
        group.forEach((_, i) => reply.take(at + i, notReady('the command could not be prepared; try again')));
      },
    );
  }

  private async prepared({ owner }: OwnedLog, command: unknown): Promise<unknown> {
    if (typeOf(command) === 'erase') return withFound(owner, this.payloads, command);
    return withMarks(this.keys, await withDrift(this.bus, command, owner), owner);
  }

  private async submit(
    { owner, erasing, storeClock }: OwnedLog,
    command: unknown,
    from: Asker,
    onCommitted?: () => void,
  ): Promise<Answer> {
    if (!mayAsk(from, command)) {
      onCommitted?.();
      return NOT_HERE;
    }
    const until = from !== 'monitor' ? deadlineFrom(storeClock.now()) : undefined;
    const answer = owner.submit(command, until, onCommitted);
    if (typeOf(command) !== 'erase') return answer;
    const done = await erased(await answer, erasing);
    this.keys.clear();
    return done;
  }
}

/** Reports whether one of these commands needs data from other services before it enters the mailbox. */
function needPreparation({ owner }: OwnedLog, group: readonly unknown[]): boolean {
  return group.some((command) => typeOf(command) === 'erase' || statesValues(command) || needsDrift(command, owner));
}

/** Waits for a recorded erasure to be carried out, at most `LIMITS.eraseAnswerMs`. */
async function erased(answer: Answer, erasing: Erasing): Promise<Answer> {
  if (!answer.ok) return answer;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), LIMITS.eraseAnswerMs)));
  const done = await Promise.race([erasing.run().then(() => true), late]);
  clearTimeout(timer);
  return { ok: true, value: { ...(answer.value as object), done } };
}

const typeOf = (command: unknown): unknown => (command as { type?: unknown } | null)?.type;
