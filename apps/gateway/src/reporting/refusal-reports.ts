import { randomUUID } from 'node:crypto';
import type { Actor } from '@bailiwick/contracts/events/event';
import type { Command } from '@bailiwick/contracts/commands/command';
import { hasRoom, take } from '@bailiwick/core/allowance';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';

interface Asker {
  readonly tenant: string;
  readonly actor: Actor;
  fullAt: number;
  /** refusals since the last report of counts that were not reported one by one */
  more: number;
}

/** The number of remembered callers. The oldest one above it is reported and forgotten; owners keep budgets too. */
const ASKERS = 10_000;

/**
 * Reports the gateway's own refusals to the owner, which records them within budgets. Refusals that surely exceed the
 * budgets are counted here and reported at intervals, so that a flood of forbidden requests costs the owner nothing. The
 * counts are lost when this process ends.
 */
export class RefusalReports {
  private readonly askers = new Map<string, Asker>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly submit: (command: Command) => void,
    private readonly now: () => number = () => systemClock.now(),
  ) {}

  report({ tenant, actor }: Caller, command: string, detail: string): void {
    const asker = this.askerOf(tenant, actor);
    const now = this.now();
    if (hasRoom(asker.fullAt, now, LIMITS.refusals.run)) {
      asker.fullAt = take(asker.fullAt, now, LIMITS.refusals.run);
      return this.send(asker, command, detail);
    }
    asker.more += 1;
    this.timer ??= setTimeout(() => this.flush(), LIMITS.refusalSummaryMs).unref();
  }

  /** Reports the counts, with one command per caller. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const [key, asker] of this.askers) {
      this.reportCount(asker);
      if (asker.fullAt <= this.now()) this.askers.delete(key);
    }
  }

  private askerOf(tenant: string, actor: Actor): Asker {
    const key = `${tenant}\n${actor.kind}\n${actor.id}`;
    const known = this.askers.get(key);
    if (known) return known;
    const [oldest] = this.askers.size >= ASKERS ? this.askers : [];
    if (oldest) {
      this.reportCount(oldest[1]);
      this.askers.delete(oldest[0]);
    }
    const fresh = { tenant, actor, fullAt: 0, more: 0 };
    this.askers.set(key, fresh);
    return fresh;
  }

  private reportCount(asker: Asker): void {
    const { more } = asker;
    asker.more = 0;
    if (more > 0) this.send(asker, 'requests of any kind', 'the caller may not send them', more);
  }

  private send({ tenant, actor }: Asker, command: string, detail: string, count?: number): void {
    this.submit({
      type: 'recordRefusal',
      log: `${tenant}/0`,
      commandId: `cmd_${randomUUID()}`,
      actor,
      command: command.slice(0, 80),
      detail,
      ...(count === undefined ? {} : { count }),
    });
  }
}
