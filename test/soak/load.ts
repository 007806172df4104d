import { setTimeout as delay } from 'node:timers/promises';
import type { Asker } from '../support/asker';
import type { Random } from '../support/random';

/** Decisions of one run, before it is completed and another one opened: what has ended must leave nothing behind. */
const DECISIONS_PER_RUN = 50;
/** more than this on its way is no load any more but a queue */
const FLYING_MOST = 4_000;
const TIMEOUT_MS = 15_000;

interface Lease {
  readonly grantId: string;
  readonly runId: string;
  taken: number;
  settled: number;
}

/**
 * Runs that settle: opened, some decisions each with its outcome, completed. No request has an Idempotency-Key, which
 * would have to be remembered for a day.
 */
export class Load {
  /** of the decisions answered since it was last emptied: ms from when each was due */
  latencies: number[] = [];
  decisions = 0;
  /** answers that were no permit, and requests that got none; by what they were */
  readonly wrong = new Map<string, number>();
  private readonly leases: Promise<Lease>[] = [];
  private turn = 0;
  private flying = 0;
  private held: Promise<void> | undefined;

  constructor(
    private readonly asker: Asker,
    private readonly keys: Readonly<{ [role: string]: string }>,
    runs: number,
  ) {
    for (let i = 0; i < runs; i++) this.place(i);
  }

  /** Closed loop: so many at once, each asking again as soon as it is answered. Decisions a second. */
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
   * Open loop: requests are due at random times, so many a second on average, whatever became of those before. Each is
   * timed from when it was due, so that one that had to wait for its turn counts as waiting.
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
      if (this.flying >= FLYING_MOST) this.count('not sent: too many were on their way');
      else void this.decide(due);
    }
    await this.landed();
  }

  /** Nothing is on its way and nothing is sent while something else is done to the system. */
  async hold(work: () => Promise<void>): Promise<void> {
    this.held = this.landed().then(work);
    await this.held.finally(() => (this.held = undefined));
  }

  private async landed(): Promise<void> {
    while (this.flying > 0) await delay(10);
  }

  private async decide(due: number): Promise<void> {
    this.flying += 1;
    try {
      const lease = await this.take();
      const decided = await this.post('enforcer', '/v1/actions', {
        grantId: lease.grantId,
        action: { verb: 'file.read', args: { path: 'README.md' } },
        resource: { type: 'file', id: 'README.md' },
      });
      this.latencies.push(performance.now() - due);
      this.decisions += 1;
      if (decided.decision !== 'permit') throw new Error(`a decision was ${decided.decision}`);
      await this.post('enforcer', `/v1/actions/${decided.actionId}/outcome`, { status: 'completed' });
      lease.settled += 1;
      if (lease.settled === DECISIONS_PER_RUN)
        await this.post('orchestrator', `/v1/runs/${lease.runId}/completion`, {});
    } catch (error) {
      this.count((error as Error).message.slice(0, 200));
    } finally {
      this.flying -= 1;
    }
  }

  /** The leases take turns; one that is used up has its place taken by a fresh one. */
  private async take(): Promise<Lease> {
    const at = (this.turn = (this.turn + 1) % this.leases.length);
    const current = this.leases[at]!;
    const lease = await current.catch(() => undefined);
    if (lease && lease.taken < DECISIONS_PER_RUN) {
      lease.taken += 1;
      return lease;
    }
    if (this.leases[at] === current) this.place(at); // others wait for the same one: the first to see it opens one
    if (!lease) throw new Error('no run could be opened');
    return this.take();
  }

  private place(at: number): void {
    const opening = this.open();
    opening.catch(() => undefined); // whoever takes it is told
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
    const told = await this.asker.ask({
      path,
      key: this.keys[role]!,
      body: JSON.stringify(body),
      timeoutMs: TIMEOUT_MS,
    });
    if (told.status >= 300) throw new Error(`${path.replace(/\/[a-z]+_0_\w+/, '/…')} was answered ${told.status}`);
    return JSON.parse(told.text);
  }

  private count(what: string): void {
    this.wrong.set(what, (this.wrong.get(what) ?? 0) + 1);
  }
}
