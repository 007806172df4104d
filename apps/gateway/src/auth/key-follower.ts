import { keyChanges } from '@bailiwick/contracts/keys/key';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { Bus } from '@bailiwick/messaging/connect';
import { adminSubject } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import { KeyReplica } from './key-replica';

const reply = z.object({ ok: z.literal(true), value: keyChanges });

/**
 * Reads the changes of the keys from the delegation service, several times a second. A key that this gateway accepts is
 * vouched for by a read that started at most `LIMITS.keys.freshMs` ago; while no read succeeds, by one at most
 * `LIMITS.keys.vouchedMs` ago. After that no issued key is accepted: one of them may have been revoked (I11).
 */
export class KeyFollower {
  readonly replica = new KeyReplica();
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;
  /** key → when it was last used, ms */
  private used = new Map<string, number>();
  private reportedAt = 0;

  constructor(
    private readonly bus: Pick<Bus, 'request'>,
    private readonly monotonic: () => number = () => performance.now(),
  ) {}

  start(): void {
    void this.read().then(() => {
      if (this.stopped) return;
      this.timer = setTimeout(() => this.start(), LIMITS.keys.readMs);
      this.timer.unref();
    });
  }

  /** Stops reading and reports the keys that were used. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    if (this.used.size === 0) return;
    this.reportedAt = 0;
    await this.read();
  }

  get isFresh(): boolean {
    return this.monotonic() - this.readAt <= LIMITS.keys.freshMs;
  }

  get isVouched(): boolean {
    return this.monotonic() - this.readAt <= LIMITS.keys.vouchedMs;
  }

  /** Reads everything that changed until now; concurrent calls share a read. A failure leaves the replica as it is. */
  read(): Promise<void> {
    return (this.reading ??= this.readPages().finally(() => (this.reading = undefined)));
  }

  /** Reads everything that changed until now, also if an earlier read is in progress. */
  async readAgain(): Promise<void> {
    await this.reading;
    await this.read();
  }

  noteUse(id: string): void {
    this.used.set(id, systemClock.now());
  }

  private async readPages(): Promise<void> {
    for (let more = true; more;) {
      const started = this.monotonic();
      const used = this.reportOfUse();
      const body = { after: this.replica.version, ...(used.length === 0 ? {} : { used }) };
      const answer = await this.bus.request(adminSubject('keys'), body, LIMITS.attemptMs);
      const parsed = answer.ok ? reply.safeParse(answer.value) : undefined;
      if (!parsed?.success) return;
      const { version, keys } = parsed.data.value;
      this.replica.apply(version, keys);
      more = parsed.data.value.more;
      if (!more) this.readAt = started;
    }
  }

  /** Use is shown to within some seconds; a report that is lost is repeated by the next use of the key. */
  private reportOfUse(): { id: string; at: string }[] {
    const now = this.monotonic();
    if (this.used.size === 0 || now - this.reportedAt < LIMITS.keys.usedMs) return [];
    this.reportedAt = now;
    const reports = [...this.used].slice(0, LIMITS.keys.page);
    for (const [id] of reports) this.used.delete(id);
    return reports.map(([id, at]) => ({ id, at: new Date(at).toISOString() }));
  }
}
