import { Inject, Injectable, type OnApplicationBootstrap, type BeforeApplicationShutdown } from '@nestjs/common';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import type { Rules } from '@bailiwick/authority/commands/types';
import type { Announcement } from '@bailiwick/messaging/cloudevent';
import type { Bus } from '@bailiwick/messaging/connect';
import { eventPublisher, type EventPublisher } from '@bailiwick/messaging/events';
import type { Request, Serving } from '@bailiwick/messaging/nest-transport/serve';
import { commandSubject, driftSubject, FREED, OWNED, querySubject } from '@bailiwick/messaging/subjects';
import { commandMessage, type Answer, type CommandReply } from '@bailiwick/contracts/command';
import type { Payloads } from '@bailiwick/event-store/payloads';
import type { EventLog } from '@bailiwick/event-store/port';
import { monotonicClock, systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { LogProblem } from '@bailiwick/platform/health';
import { judgeTrajectory } from '@bailiwick/trajectory/rules';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { Erasing, withFound } from '../erasure/erasing';
import { Announcer } from '../log-owner/batching/announcer';
import type { Imports } from '../imports/importing';
import { Leases } from './leases';
import { LogOwner } from '../log-owner/owner';
import { ask } from '../queries/queries';
import { notReady } from '../log-owner/refusals';
import { deadlineFrom } from '../log-owner/deadline';
import { needsDrift, withDrift } from '../log-owner/drift';
import { Reply } from '../log-owner/batching/reply';
import { mayAsk, NOT_HERE, type Asker } from '../log-owner/may-ask';

export const BUS = Symbol('Bus');
export const EVENT_LOG = Symbol('EventLog');
export const IMPORTS = Symbol('Imports');
export const PAYLOADS = Symbol('Payloads');
export const LOGGER = Symbol('Logger');

interface Owned {
  readonly owner: LogOwner;
  readonly erasing: Erasing;
  readonly servings: readonly Serving[];
  readonly announcer: Announcer;
}

/**
 * Owns the logs whose leases it holds: one owner each, served on the log's own subjects, which every owner hears: one
 * that was stopped and does not know yet that another took over keeps nobody from being answered. A lease that is lost
 * ends the owner at once; that it could write nothing meanwhile is the fence's doing, not the lease's.
 */
@Injectable()
export class Logs implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** where to look for this process, and what no other has ever been called */
  private readonly me = `${hostname()}/${process.pid}/${randomUUID()}`;
  private readonly owned = new Map<string, Owned>();
  private readonly rules: Rules = { judge: judgeTrajectory, defaults: tenantDefaults };
  private readonly publisher: EventPublisher;
  private readonly leases: Leases;
  private readonly unlisten: (() => void)[] = [];

  constructor(
    @Inject(EVENT_LOG) private readonly eventlog: EventLog,
    @Inject(PAYLOADS) private readonly payloads: Payloads,
    @Inject(IMPORTS) private readonly imports: Imports,
    @Inject(BUS) private readonly bus: Bus,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.publisher = eventPublisher(bus);
    this.leases = new Leases({
      eventlog,
      me: this.me,
      clock: monotonicClock,
      reachable: () => bus.status().state === 'connected',
      begin: (log, epoch) => this.begin(log, epoch),
      end: (log) => this.end(log),
      freed: () => void bus.publish(FREED, {}),
      warn: (message, cause) => logger.warn({ err: cause }, message),
    });
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.publisher.ensureStream();
    await this.eventlog.createLog('default/0');
    this.unlisten.push(
      this.bus.listen(FREED, () => void this.leases.beat()),
      this.bus.onEvent(({ type }) => void (type === 'connected' && this.leases.beat())),
    );
    await this.leases.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    for (const unlisten of this.unlisten) unlisten();
    await this.leases.stop();
  }

  /** Of the logs that are ours, the next position of each. */
  get heads(): Record<string, number> {
    return Object.fromEntries([...this.owned].map(([log, { owner }]) => [log, owner.position]));
  }

  /** What is wrong with the logs that are ours. */
  get problems(): LogProblem[] {
    return [...this.owned.values()].flatMap(({ owner }) => owner.problems());
  }

  /** How many processes share the logs. */
  get instances(): number {
    return this.leases.instances;
  }

  /** Has this moment passed, by the store's clock? What was asked until then is not done any more. */
  isLate(deadline: number): boolean {
    return !(this.leases.storeNow() <= deadline);
  }

  /** Makes a tenant's first log; whoever owns the fewest takes it. */
  async createTenant(tenant: string): Promise<string[]> {
    await this.eventlog.createLog(`${tenant}/0`);
    await this.leases.beat();
    this.bus.publish(FREED, {});
    return this.eventlog.listLogs(tenant);
  }

  private begin(log: string, epoch: number): void {
    const announcer = new Announcer((commit) => void this.announce(commit));
    const owner = new LogOwner({
      log,
      eventlog: this.eventlog,
      rules: this.rules,
      clock: systemClock,
      storeClock: { now: () => this.leases.storeNow() },
      publish: (commit) => announcer.announce(commit),
      warn: (message, cause) => this.logger.warn({ err: cause, log }, message),
      fence: { owner: this.me, epoch },
    });
    owner.start();
    const erasing = new Erasing(log, owner, this.payloads, (message, cause) =>
      this.logger.warn({ err: cause, log }, message),
    );
    void erasing.run(); // what was recorded and not done before its owner died
    const mayAnswer = (): true | Promise<boolean> => this.leases.isOurs(log, epoch);
    const commands = { mayAnswer, maxPending: LIMITS.messagesPerLog };
    const servings = [
      this.bus.serve(
        commandSubject(log),
        (raw, asked) => this.command({ owner, erasing }, raw, 'edge', asked),
        commands,
      ),
      this.bus.serve(
        driftSubject(log),
        (raw, asked) => this.command({ owner, erasing }, raw, 'monitor', asked),
        commands,
      ),
      this.bus.serve(querySubject(log), (raw) => this.query({ owner, erasing, epoch }, raw), {
        mayAnswer,
        maxPending: LIMITS.queriesPerLog,
      }),
    ];
    this.owned.set(log, { owner, erasing, servings, announcer });
    this.bus.publish(OWNED, { log }); // after the subscriptions, on the same connection: who asks again is heard
    this.logger.info({ log, epoch }, 'owns the log');
  }

  private async announce(commit: Announcement): Promise<void> {
    const said = await this.publisher.announce(commit);
    if (said.ok) return;
    this.logger.debug({ log: commit.log, why: said.error }, 'a commit was not announced; followers look into the log');
  }

  private async end(log: string): Promise<void> {
    const owned = this.owned.get(log);
    if (!owned) return;
    this.owned.delete(log);
    await Promise.all(owned.servings.map((serving) => serving.stop()));
    await Promise.all([owned.owner.stop(), owned.erasing.stop()]);
    owned.announcer.stop();
    this.logger.info({ log }, 'let go of the log');
  }

  /** A dry run is asked about as the call itself would be. */
  private async query(
    { owner, erasing, epoch }: Pick<Owned, 'owner' | 'erasing'> & { epoch: number },
    raw: unknown,
  ): Promise<Answer> {
    const asked = raw as { op?: unknown; command?: unknown } | null;
    if (asked?.op === 'import')
      return this.imports.step(raw, { owner: this.me, epoch }, () => {
        owner.reload();
        void erasing.run();
      });
    const full =
      asked?.op === 'dryRun' ? { ...asked, command: await withDrift(this.bus, asked.command, owner.committed) } : raw;
    return ask(owner, this.eventlog, this.rules, full, this.payloads);
  }

  private command(
    owned: Pick<Owned, 'owner' | 'erasing'>,
    raw: unknown,
    from: Asker,
    request: Request,
  ): Promise<CommandReply> {
    const parsed = commandMessage.safeParse(raw);
    if (!parsed.success)
      return Promise.resolve({
        answers: [{ ok: false, refusal: { code: 'BAD_REQUEST', detail: 'want { commands: [ … ] }' } }],
      });
    const { commands, requests = [commands.length] } = parsed.data;
    let first = 0;
    const groups = requests.map((count) => commands.slice(first, (first += count)));
    const prompt = groups.filter((group) => !group.some(needsPreparation)).flat().length;
    const reply = new Reply(commands.length, prompt, (part) => request.part(part));
    let at = 0;
    for (const group of groups) {
      this.carryOut(owned, group, at, from, reply);
      at += group.length;
    }
    return reply.rest;
  }

  /** The commands of one request, in their order: all are prepared before the first is submitted. */
  private carryOut(
    owned: Pick<Owned, 'owner' | 'erasing'>,
    group: readonly unknown[],
    at: number,
    from: Asker,
    reply: Reply,
  ): void {
    const prepare = group.some(needsPreparation);
    const submit = (command: unknown, i: number): void =>
      void this.submit(owned, command, from, prepare ? undefined : () => reply.committed()).then((answer) =>
        reply.take(at + i, answer),
      );
    if (!prepare) return group.forEach(submit);
    Promise.all(group.map((command) => this.prepared(owned, command))).then(
      (commands) => commands.forEach(submit),
      (error: unknown) => {
        this.logger.warn({ err: error }, 'a command could not be prepared');
        group.forEach((_, i) => reply.take(at + i, notReady('the command could not be prepared; try again')));
      },
    );
  }

  private prepared({ owner }: Pick<Owned, 'owner'>, command: unknown): Promise<unknown> {
    if (typeOf(command) === 'erase') return withFound(owner, this.payloads, command);
    return withDrift(this.bus, command, owner.committed);
  }

  private async submit(
    { owner, erasing }: Pick<Owned, 'owner' | 'erasing'>,
    command: unknown,
    from: Asker,
    landed?: () => void,
  ): Promise<Answer> {
    if (!mayAsk(from, command)) {
      landed?.();
      return NOT_HERE;
    }
    const until = from === 'edge' ? deadlineFrom(this.leases.storeNow()) : undefined;
    const answer = owner.submit(command, until, landed);
    return typeOf(command) === 'erase' ? erased(await answer, erasing) : answer;
  }
}

/** What must be asked of others before a command enters the mailbox. */
const needsPreparation = (command: unknown): boolean => typeOf(command) === 'erase' || needsDrift(command);

/** The erasure is recorded: it is waited for until it is done, for a while. */
async function erased(answer: Answer, erasing: Erasing): Promise<Answer> {
  if (!answer.ok) return answer;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), LIMITS.eraseAnswerMs)));
  const done = await Promise.race([erasing.run().then(() => true), late]);
  clearTimeout(timer);
  return { ok: true, value: { ...(answer.value as object), done } };
}

const typeOf = (command: unknown): unknown => (command as { type?: unknown } | null)?.type;
