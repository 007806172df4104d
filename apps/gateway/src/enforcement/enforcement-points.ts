import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { PointsAnswer, PointView } from '@bailiwick/contracts/enforcement/points';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { Bus } from '@bailiwick/messaging/connect';
import { enforcedSubject, EPOCH_ASKED } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import { BUS } from '../config';
import { LogClient } from '../log-client/log-client';
import { KnownPoints } from './known-points';

/** How often points that have not confirmed are asked again, ms. */
const ASK_EVERY_MS = 200;
const head = z.object({ position: z.number().int().min(0) });
const events = z.object({ items: z.array(z.object({ position: z.number(), time: z.string() })) });

export interface Question {
  readonly log: string;
  /** left out: the end of the log */
  readonly position?: number | undefined;
  readonly revocationId?: string | undefined;
  readonly waitMs: number;
}

/** Follows the reports of enforcement points, and asks for them. */
@Injectable()
export class EnforcementPoints implements OnModuleInit, OnApplicationShutdown {
  readonly known = new KnownPoints({ wall: () => systemClock.now(), monotonic: () => performance.now() });
  private readonly waiting = new Set<() => void>();
  private stop = (): void => undefined;

  constructor(
    @Inject(BUS) private readonly bus: Pick<Bus, 'listen' | 'publish'>,
    private readonly logClient: LogClient,
  ) {}

  onModuleInit(): void {
    this.stop = this.bus.listen(enforcedSubject('boundary'), (raw) => {
      if (this.known.take(raw)) for (const wake of [...this.waiting]) wake();
    });
  }

  onApplicationShutdown(): void {
    this.stop();
  }

  /** Shows what enforces a log up to a position. Waits until all of it does, and for at most `waitMs`. */
  async ask({ log, position: stated, revocationId, waitMs }: Question): Promise<PointsAnswer> {
    const until = performance.now() + waitMs;
    const owner = await this.askOwner(log);
    const position = stated ?? owner ?? -1;
    // a count of other calls would be taken for those of what is asked about
    const asked = { log, position, aborted: stated === undefined ? 'any' : revocationId };
    let points = this.known.list(asked);
    while (points.some(({ state }) => state !== 'enforces') && performance.now() < until) {
      this.bus.publish(EPOCH_ASKED, { log });
      await this.nextReport(Math.min(ASK_EVERY_MS, until - performance.now()));
      points = this.known.list(asked);
    }
    const at = stated === undefined ? undefined : await this.timeOf(log, position);
    const items = [ownerView(log, owner, position, at), ...points.map((point) => withDelay(point, at))];
    const overflow = this.known.overflows;
    return {
      log,
      position,
      ...(at === undefined ? {} : { at, tokensEndBy: tokensEndBy(at) }),
      confirmed: !overflow && items.every(({ state }) => state === 'enforces'),
      ...(overflow ? { overflow } : {}),
      items,
      next: null,
    };
  }

  /** Shows what enforces an event of a log, without waiting. Callers of other tenants need not know the machines. */
  async enforcing(log: string, position: number, revocationId: string): Promise<PointView[]> {
    const { items } = await this.ask({ log, position, revocationId, waitMs: 0 });
    return items.map(({ process: _, ...point }) => point);
  }

  /** Returns the position of the newest event that the owner decides by; undefined if it does not answer. */
  private async askOwner(log: string): Promise<number | undefined> {
    const reply = await this.logClient.question({ op: 'head', log }).catch(() => undefined);
    const read = reply?.ok ? head.safeParse(reply.value) : undefined;
    return read?.success ? read.data.position - 1 : undefined;
  }

  private async timeOf(log: string, position: number): Promise<string | undefined> {
    const { tenant } = parseLogName(log);
    const query = { tenant, log, after: position - 1, limit: 1 };
    const page = events.safeParse(await this.logClient.ledger('events', query).catch(() => undefined));
    const [event] = page.success ? page.data.items : [];
    return event?.position === position ? event.time : undefined;
  }

  private nextReport(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.waiting.add(done);
    });
  }
}

/** The owner decides in the order of the log: every decision after an event takes it into account. */
function ownerView(log: string, epoch: number | undefined, position: number, at: string | undefined): PointView {
  const point = { name: `owner of ${log}`, kind: 'owner' } as const;
  if (epoch === undefined) return { ...point, state: 'silent' };
  if (epoch < position) return { ...point, state: 'behind', epoch };
  return { ...point, state: 'enforces', epoch, ...(at === undefined ? {} : { enforcedAt: at, afterMs: 0 }) };
}

/** The end of a token is rounded up to a second. */
const tokensEndBy = (at: string): string => rfc3339(Math.ceil((Date.parse(at) + LIMITS.actionTokenMs) / 1_000) * 1_000);

function withDelay(point: PointView, at: string | undefined): PointView {
  if (at === undefined || point.enforcedAt === undefined) return point;
  return { ...point, afterMs: Math.max(0, Date.parse(point.enforcedAt) - Date.parse(at)) };
}
