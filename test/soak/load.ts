import { setTimeout as delay } from 'node:timers/promises';
import type { RawHttpClient } from '../support/raw-http-client';
import type { Random } from '../support/random';

/** Decisions per run; then the run is completed and another one opened, to show that ended runs free their memory. */
const DECISIONS_PER_RUN = 50;
/** above this number of requests in flight, the system is queueing and no longer under a steady load */
const MAX_IN_FLIGHT = 4_000;
const TIMEOUT_MS = 15_000;

interface Lease {
  readonly grantId: string;
  readonly runId: string;
  taken: number;
  settled: number;
}

/**
 * Opens runs, requests decisions, reports an outcome for each and completes the runs. Requests have no Idempotency-Key,
 * because the system keeps each key for a day.
 */
export class Load {
  /** ms from the due time of each decision to its response, since the list was last cleared */
  latencies: number[] = [];
  decisions = 0;
  /** counts decisions other than permits and failed requests, by description */
  readonly failures = new Map<string, number>();
  private readonly leases: Promise<Lease>[] = [];
  private turn = 0;
  private inFlight = 0;
  private held: Promise<void> | undefined;

  constructor(
    private readonly http: RawHttpClient,
    private readonly keys: Readonly<{ [role: string]: string }>,
    runs: number,
  ) {
    for (let i = 0; i < runs; i++) this.place(i);
  }

  /** Runs a closed loop: each worker sends its next request after a response. Returns decisions per second. */
  async peak(workers: number, seconds: number): Promise<number> {
    const end = performance.now() + seconds * 1_000;
    const before = this.decisions;
    const work = async (): Promise<void> => {
      while (performance.now() < end) await this.decide(performance.now());
    };
    const from = performance.now();
    await Promise.all(Array.from({ length: workers }, work));
    return ((this.decisions - before) / (performance.now() - from)) * 1_000;
  }

  /**
   * Runs an open loop: requests are due at random times, at an average rate that does not depend on earlier responses.
   * Each latency counts from the due time, so that it includes any delay before sending.
   */
  async steady(perSecond: number, minutes: number, random: Random): Promise<void> {
    const start = performance.now();
    const end = start + minutes * 60_000;
    for (let due = start; due < end; due += (-Math.log(1 - random.next()) / perSecond) * 1_000) {
      if (due > performance.now()) await delay(due - performance.now());
      if (this.held) {
        await this.held;
        due = performance.now();
      }
      if (this.inFlight >= MAX_IN_FLIGHT) this.count('not sent: too many requests in flight');
      else void this.decide(due);
    }
    await this.drained();
  }

  /** Pauses the load, waits for the requests in flight, runs `work`, then resumes the load. */
  async hold(work: () => Promise<void>): Promise<void> {
    this.held = this.drained().then(work);
    await this.held.finally(() => (this.held = undefined));
  }

  private async drained(): Promise<void> {
    while (this.inFlight > 0) await delay(10);
  }

  private async decide(due: number): Promise<void> {
    this.inFlight += 1;
    try {
      const lease = await this.take();
      const decided = await this.post('enforcer', '/v1/actions', {
        grantId: lease.grantId,
        action: { verb: 'file.read', args: { path: 'README.md' } },
        resource: { type: 'file', id: 'README.md' },
      });
      this.latencies.push(performance.now() - due);
      this.decisions += 1;
      if (decided.decision !== 'permit') throw new Error(`decision ${decided.decision}`);
      await this.post('enforcer', `/v1/actions/${decided.actionId}/outcome`, { status: 'completed' });
      lease.settled += 1;
      if (lease.settled === DECISIONS_PER_RUN)
        await this.post('orchestrator', `/v1/runs/${lease.runId}/completion`, {});
    } catch (error) {
      this.count((error as Error).message.slice(0, 200));
    } finally {
      this.inFlight -= 1;
    }
  }

  /** Takes the next lease in turn and replaces one that is used up. */
  private async take(): Promise<Lease> {
    const at = (this.turn = (this.turn + 1) % this.leases.length);
    const current = this.leases[at]!;
    const lease = await current.catch(() => undefined);
    if (lease && lease.taken < DECISIONS_PER_RUN) {
      lease.taken += 1;
      return lease;
    }
    if (this.leases[at] === current) this.place(at); // concurrent callers wait for the same lease; only the first one replaces it
    if (!lease) throw new Error('no run could be opened');
    return this.take();
  }

  private place(at: number): void {
    const opening = this.open();
    opening.catch(() => undefined); // `take` reports the failure
    this.leases[at] = opening;
  }

  private async open(): Promise<Lease> {
    const { grant, run } = await this.post('orchestrator', '/v1/runs', {
      agent: { class: 'soaked' },
      requestedBy: 'user:owner@example.com',
      purpose: 'Read README.md',
      grant: {
        actions: { allow: ['file.*'] },
        resources: [{ type: 'file', match: '**' }],
        budget: { calls: 1_000, reads: 1_000, writes: 0, external: 0 },
        time: { ttl: '1h' },
        purpose: { onDrift: { stepUpAt: 1, suspendAt: 1 } },
      },
    });
    return { grantId: grant.id, runId: run.id, taken: 0, settled: 0 };
  }

  private async post(role: string, path: string, body: object) {
    const response = await this.http.send({
      path,
      key: this.keys[role]!,
      body: JSON.stringify(body),
      timeoutMs: TIMEOUT_MS,
    });
    if (response.status >= 300)
      throw new Error(`${path.replace(/\/[a-z]+_0_\w+/, '/…')} responded with ${response.status}`);
    return JSON.parse(response.text);
  }

  private count(what: string): void {
    this.failures.set(what, (this.failures.get(what) ?? 0) + 1);
  }
}
