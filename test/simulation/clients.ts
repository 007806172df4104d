import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { isKeyed, keepMs } from '@bailiwick/authority/state/state';
import type { Answers } from './checks/answers';
import type { Message, Network } from './network';
import { Requests } from './requests';
import type { World } from './world';

/** A command that was sent, and every answer to it. */
export interface Sent {
  readonly command: Command;
  /** when it was first sent, ms by a correct clock */
  readonly at: number;
  /** answers other than `NOT_READY` and `TOO_MANY`, as text, in order of arrival */
  readonly answers: string[];
}

/** Reports whether an answer requests a retry with the same key because nothing was decided. */
export const isRetryable = (answer: Answer): boolean =>
  !answer.ok && (answer.refusal.code === 'NOT_READY' || answer.refusal.code === 'TOO_MANY');

const ROUNDS = 5;
const GIVE_UP_MS = 40_000;
/** covers the difference between clocks and the duration of retries */
const MARGIN_MS = 75_000;

/** Clients of the logs: send several commands at once, retry with the same keys, and sometimes repeat answered commands. */
export class Clients {
  readonly sent: Sent[] = [];
  working = 0;
  private readonly requests: ReadonlyMap<string, Requests>;

  constructor(
    private readonly world: World,
    private readonly network: Network,
    private readonly logs: readonly string[],
    private readonly answers: Answers,
  ) {
    this.requests = new Map(logs.map((log) => [log, new Requests(log, world.random)]));
  }

  start(count: number): void {
    for (let i = 0; i < count; i++) this.track(this.work());
  }

  /** Drops old IDs after a long time has passed. */
  forget(): void {
    for (const requests of this.requests.values()) requests.forget();
  }

  /** Repeats every command without an answer, and some of the others. */
  repeatAll(): void {
    const { random } = this.world;
    for (const log of this.logs) {
      const all = this.sent.filter(
        ({ command, answers }) => command.log === log && (answers.length === 0 || random.chance(0.2)),
      );
      for (let i = 0; i < all.length; i += 6)
        this.track(this.world.sleep(i * 10).then(() => this.repeat(log, all.slice(i, i + 6))));
    }
  }

  private track(work: Promise<void>): void {
    this.working += 1;
    work.catch((error: unknown) => this.world.fail(error)).finally(() => (this.working -= 1));
  }

  private async work(): Promise<void> {
    const { world } = this;
    const { random } = world;
    for (let round = 0; round < ROUNDS; round++) {
      await world.sleep(random.between(0, 600));
      const log = random.pick(this.logs);
      const requests = this.requests.get(log) as Requests;
      if (random.chance(0.04)) await this.revokeAsPreviewed(log, requests);
      const commands = Array.from({ length: random.pick([1, 1, 2, 3, 6]) }, () => requests.next());
      await this.sendUntilAnswered(
        log,
        commands.map((command) => this.record(command)),
      );
      // a client repeats a command if it is not sure of the result or has crashed
      const again = this.sent.filter(({ command }) => command.log === log);
      if (again.length > 0 && random.chance(0.25)) await this.repeat(log, [random.pick(again)]);
    }
  }

  /** Repeats commands whose keys are still valid; each must return its first answer. */
  private async repeat(log: string, sent: readonly Sent[]): Promise<void> {
    const valid = sent.filter(
      ({ command, at }) => this.world.wall() - at < keepMs(isKeyed(command.commandId)) - MARGIN_MS,
    );
    if (valid.length === 0) return;
    this.world.count('command repeated');
    await this.sendUntilAnswered(log, valid);
  }

  private record(command: Command): Sent {
    const sent: Sent = { command, at: this.world.wall(), answers: [] };
    this.sent.push(sent);
    return sent;
  }

  private async revokeAsPreviewed(log: string, requests: Requests): Promise<void> {
    const agentClass = this.world.random.pick(['worker', 'stray']);
    const preview = await this.send(log, { preview: { agentClass }, least: this.answers.acknowledgedIn(log) });
    if (!preview?.[0]) return;
    const { digest } = JSON.parse(preview[0]) as { digest: string };
    this.world.count('previewed');
    await this.sendUntilAnswered(log, [this.record(requests.previewed(digest, agentClass))]);
  }

  /** Retries until every command is answered or its key is no longer valid. */
  private async sendUntilAnswered(log: string, all: readonly Sent[]): Promise<void> {
    const { world } = this;
    const startedAt = world.now;
    let open = all;
    for (let attempt = 1; open.length > 0; attempt++) {
      if (world.now - startedAt > GIVE_UP_MS) {
        world.count('given up');
        return;
      }
      if (attempt > 1) {
        world.count('command retried');
        await world.sleep(world.random.between(20, 400));
      }
      const answers = await this.send(log, { commands: open.map(({ command }) => command) });
      if (answers) open = open.filter((sent, i) => !this.accept(sent, answers[i] as string));
    }
  }

  /** Records an answer; returns false if it requests a retry. */
  private accept(sent: Sent, text: string): boolean {
    const { command } = sent;
    const answer = JSON.parse(text) as Answer;
    const first = sent.answers.length === 0;
    this.world.note(`${command.commandId} ${command.type} returns ${summary(answer)}`);
    if (isRetryable(answer)) return false;
    sent.answers.push(text);
    this.answers.received(command.log, answer);
    if (first) this.requests.get(command.log)?.learn(command, answer);
    else this.world.count('a second answer');
    return true;
  }

  private send(log: string, message: Message): Promise<string[] | undefined> {
    const { world, network } = this;
    return new Promise((resolve) => {
      const cancel = world.after(world.random.between(300, 3_000), () => resolve(undefined));
      network.request(log, message, (answers) => {
        cancel();
        resolve(answers);
      });
    });
  }
}

function summary(answer: Answer): string {
  if (!answer.ok) return answer.refusal.code;
  const { decision, position } = answer.value as { decision?: string; position?: number };
  return `${decision ?? 'ok'} at ${position}`;
}
