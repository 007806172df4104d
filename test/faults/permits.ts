import { randomUUID } from 'node:crypto';
import type { ActionAnswer } from '@bailiwick/contracts/actions/action';
import { LIMITS } from '@bailiwick/core/limits';
import { readLog } from '../chaos/log';
import { open, read, WIDE } from '../e2e/leases';
import { RawHttpClient, type HttpResponse } from '../support/raw-http-client';
import { bailiwick } from '../support/cli';
import { until, type Stack } from '../support/stack';

const CLIENTS = 8;
const TRY_MS = 20_000;
/** covers a database request that times out and its retry */
const WAIT_MS = LIMITS.databaseMs + 30_000;

/** Clients that request permits without pause. Each request has an Idempotency-Key and is retried until it is answered. */
export class Permits {
  /** Idempotency-Key → response */
  private readonly responses = new Map<string, HttpResponse>();
  private readonly startedKeys: string[] = [];
  private readonly findings: string[] = [];
  private readonly http: RawHttpClient;
  private readonly clients: Promise<void>[];
  private ending = false;
  private over = false;
  /** the highest position in a response */
  position = 0;
  /** attempts that got no response, or one that asks for a retry */
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
    this.http = new RawHttpClient(stack.url, CLIENTS * 2);
    this.clients = Array.from({ length: CLIENTS }, () => this.client());
  }

  /** Waits until `count` permits that are requested from now on have been answered. */
  async waitForPermits(count = 40): Promise<void> {
    const from = this.startedKeys.length;
    const answered = (): number => this.startedKeys.slice(from).filter((key) => this.responses.has(key)).length;
    await until(`${count} permits`, () => answered() >= count, WAIT_MS);
  }

  /** Ends the load and compares all responses with the log. @returns the differences */
  async end(): Promise<string[]> {
    this.ending = true;
    await Promise.all(this.clients);
    for (let i = 0; i < this.startedKeys.length; i += 7) await this.checkRetry(this.startedKeys[i] as string);
    this.http.close();
    await this.compareWithLog();
    const verified = await bailiwick(['--data', this.stack.dataDir, 'log', 'verify']);
    if (verified.code !== 0) this.findings.push(`log verify: ${verified.out}${verified.err}`);
    return this.findings.slice(0, 10);
  }

  /** Stops all clients at once, for a test that fails before `end`. */
  async stop(): Promise<void> {
    this.ending = this.over = true;
    this.http.close();
    await Promise.allSettled(this.clients);
  }

  private async client(): Promise<void> {
    while (!this.ending) {
      const key = randomUUID();
      this.startedKeys.push(key);
      const response = await this.authorize(key);
      this.responses.set(key, response);
      this.position = Math.max(this.position, answerOf(response).position);
      const permitted = response.status === 200 && answerOf(response).decision === 'permit';
      if (!permitted) this.findings.push(`${response.status}: ${response.text.slice(0, 300)}`);
      else await this.report(answerOf(response).actionId);
    }
  }

  private async report(actionId: string): Promise<void> {
    const response = await this.retried(`/v1/actions/${actionId}/outcome`, `outcome-${actionId}`, {
      status: 'completed',
    });
    if (response.status !== 200) this.findings.push(`outcome: ${response.status}: ${response.text.slice(0, 300)}`);
  }

  private authorize(key: string): Promise<HttpResponse> {
    return this.retried('/v1/actions', key, read(this.grantId));
  }

  /** Retries without a limit; only the test's time limit ends it. */
  private async retried(path: string, idempotencyKey: string, body: object): Promise<HttpResponse> {
    const request = { path, key: this.key, idempotencyKey, body: JSON.stringify(body), timeoutMs: TRY_MS };
    while (!this.over) {
      const response = await this.http.send(request).catch(() => undefined);
      if (response && response.status !== 503 && response.status !== 429) return response;
      this.refused += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error('the test is over');
  }

  private async checkRetry(key: string): Promise<void> {
    const first = answerOf(this.responses.get(key) as HttpResponse).actionId;
    const again = answerOf(await this.authorize(key)).actionId;
    if (again !== first) this.findings.push(`key ${key} returned ${first} first and ${again} on retry`);
  }

  private async compareWithLog(): Promise<void> {
    const events = (await readLog(this.stack)).map(({ event }) => event);
    events.forEach(({ position }, i) => {
      if (position !== i) this.findings.push(`event ${i} has position ${position}`);
    });
    const logged = events
      .filter((event) => event.type === 'ActionPermitted' && event.grantId === this.grantId)
      .map((event) => event.actionId as string);
    const answered = [...this.responses.values()].map((each) => answerOf(each).actionId);
    if (new Set(logged).size !== logged.length) this.findings.push('the log contains a permit twice');
    if (logged.sort().join() !== answered.sort().join())
      this.findings.push(`${answered.length} permits were answered, the log contains ${logged.length}`);
  }
}

const answerOf = (response: HttpResponse): ActionAnswer => JSON.parse(response.text) as ActionAnswer;
