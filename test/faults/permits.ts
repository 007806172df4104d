import { randomUUID } from 'node:crypto';
import type { ActionAnswer } from '@bailiwick/contracts/action';
import { LIMITS } from '@bailiwick/core/limits';
import { readLog } from '../chaos/log';
import { open, read, WIDE } from '../e2e/leases';
import { Asker, type Told } from '../support/asker';
import { bailiwick } from '../support/cli';
import { until, type Stack } from '../support/stack';

const CLIENTS = 8;
const TRY_MS = 20_000;
/** whoever asked a database that then fell silent gives it up after so long, and begins anew */
const GO_ON_MS = LIMITS.databaseMs + 30_000;

/** Clients who ask for permits without a pause, each with a key, and again with the same key until they are told. */
export class Permits {
  /** key → what was answered to it */
  private readonly told = new Map<string, Told>();
  private readonly begun: string[] = [];
  private readonly findings: string[] = [];
  private readonly asker: Asker;
  private readonly clients: Promise<void>[];
  private ending = false;
  private over = false;
  /** the newest position that was answered */
  position = 0;
  /** tries that got no answer, or were told to come back */
  refused = 0;

  static async under(stack: Stack): Promise<Permits> {
    const lots = { calls: 1_000_000, reads: 1_000_000 };
    const { grant } = await open(stack.as('orchestrator'), { budget: { ...WIDE.budget, ...lots } });
    return new Permits(stack, grant.id, stack.keys.enforcer as string);
  }

  private constructor(
    private readonly stack: Stack,
    readonly grantId: string,
    private readonly key: string,
  ) {
    this.asker = new Asker(stack.url, CLIENTS * 2);
    this.clients = Array.from({ length: CLIENTS }, () => this.client());
  }

  /** Until so many that are asked for from now on were answered. */
  async goOn(count = 40): Promise<void> {
    const from = this.begun.length;
    const answered = (): number => this.begun.slice(from).filter((key) => this.told.has(key)).length;
    await until(`${count} permits`, () => answered() >= count, GO_ON_MS);
  }

  /** Ends the load, and holds all that was answered against the log. @returns what is wrong */
  async end(): Promise<string[]> {
    this.ending = true;
    await Promise.all(this.clients);
    for (let i = 0; i < this.begun.length; i += 7) await this.askAgain(this.begun[i] as string);
    this.asker.close();
    await this.holdAgainstLog();
    const verified = await bailiwick(['--data', this.stack.dataDir, 'log', 'verify']);
    if (verified.code !== 0) this.findings.push(`log verify: ${verified.out}${verified.err}`);
    return this.findings.slice(0, 10);
  }

  /** Where the test does not get to its end: nobody is asked any more. */
  async stop(): Promise<void> {
    this.ending = this.over = true;
    this.asker.close();
    await Promise.allSettled(this.clients);
  }

  private async client(): Promise<void> {
    while (!this.ending) {
      const key = randomUUID();
      this.begun.push(key);
      const told = await this.untilTold(key);
      this.told.set(key, told);
      this.position = Math.max(this.position, answerOf(told).position);
      const permitted = told.status === 200 && answerOf(told).decision === 'permit';
      if (!permitted) this.findings.push(`${told.status}: ${told.text.slice(0, 300)}`);
      else await this.report(answerOf(told).actionId);
    }
  }

  private async report(actionId: string): Promise<void> {
    const told = await this.retried(`/v1/actions/${actionId}/outcome`, `outcome-${actionId}`, { status: 'completed' });
    if (told.status !== 200) this.findings.push(`an outcome: ${told.status}: ${told.text.slice(0, 300)}`);
  }

  private untilTold(key: string): Promise<Told> {
    return this.retried('/v1/actions', key, read(this.grantId));
  }

  /** However long it takes: the test's own limit is the only one. */
  private async retried(path: string, idempotencyKey: string, body: object): Promise<Told> {
    const question = { path, key: this.key, idempotencyKey, body: JSON.stringify(body), timeoutMs: TRY_MS };
    while (!this.over) {
      const told = await this.asker.ask(question).catch(() => undefined);
      if (told && told.status !== 503 && told.status !== 429) return told;
      this.refused += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the test is over');
  }

  private async askAgain(key: string): Promise<void> {
    const first = answerOf(this.told.get(key) as Told).actionId;
    const again = answerOf(await this.untilTold(key)).actionId;
    if (again !== first) this.findings.push(`the key ${key} was told ${first}, and then ${again}`);
  }

  private async holdAgainstLog(): Promise<void> {
    const events = (await readLog(this.stack)).map(({ event }) => event);
    events.forEach(({ position }, i) => {
      if (position !== i) this.findings.push(`event ${i} stands at position ${position}`);
    });
    const logged = events
      .filter((event) => event.type === 'ActionPermitted' && event.grantId === this.grantId)
      .map((event) => event.actionId as string);
    const told = [...this.told.values()].map((each) => answerOf(each).actionId);
    if (new Set(logged).size !== logged.length) this.findings.push('a permit stands in the log twice');
    if (logged.sort().join() !== told.sort().join())
      this.findings.push(`${told.length} permits were answered, ${logged.length} stand in the log`);
  }
}

const answerOf = (told: Told): ActionAnswer => JSON.parse(told.text) as ActionAnswer;
