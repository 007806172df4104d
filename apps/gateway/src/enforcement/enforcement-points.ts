import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { PointsAnswer, PointView } from '@bailiwick/contracts/enforcement/points';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { Bus } from '@bailiwick/messaging/connect';
import { enforcedSubject, EPOCH_ASKED } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import { BUS } from '../config';
import { Refused } from '../http/problems/problem';
import { LogClient } from '../log-client/log-client';
import { EpochQuestions } from './epoch-questions';
import { KnownPoints, type Asked } from './known-points';

/** Listening for this time, a gateway hears of every point, or the point has heard nothing and aborted its calls; ms. */
const SETTLED_MS = LIMITS.unheardMs + LIMITS.pointReportMs;
/** How long reports are gathered until the waiting requests read them, ms. */
const GATHER_MS = 10;
const head = z.object({ position: z.number().int().min(0) });
const event = z.object({ position: z.number(), time: z.string() });
const events = z.object({ items: z.array(event) });

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
  private readonly questions: EpochQuestions;
  private readonly waiting = new Set<() => void>();
  private gathering: NodeJS.Timeout | undefined;
  /** since when it has listened without a gap, monotonic, ms; undefined while there is no connection */
  private since: number | undefined;
  private stops: (() => void)[] = [];

  constructor(
    @Inject(BUS) private readonly bus: Pick<Bus, 'listen' | 'publish' | 'onEvent' | 'status'>,
    private readonly logClient: LogClient,
  ) {
    this.questions = new EpochQuestions((log) => void this.bus.publish(EPOCH_ASKED, { log }));
  }

  onModuleInit(): void {
    this.stops = [
      this.bus.listen(enforcedSubject('boundary'), (raw) => {
        if (this.known.take(raw)) this.gathering ??= setTimeout(() => this.wake(), GATHER_MS);
      }),
      this.bus.onEvent(({ type }) => {
        if (type !== 'error') this.since = type === 'connected' ? performance.now() : undefined;
      }),
    ];
    this.since = this.bus.status().state === 'connected' ? performance.now() : undefined;
  }

  onApplicationShutdown(): void {
    for (const stop of this.stops) stop();
    clearTimeout(this.gathering);
    this.questions.close();
  }

  /**
   * Shows what enforces a log up to a position. Waits until all of it does, and for at most `waitMs`.
   * @throws Refused if there is no such log, or it has no such position yet: nothing could confirm it
   */
  async ask(question: Question): Promise<PointsAnswer> {
    const until = performance.now() + question.waitMs;
    const { log, position } = question;
    const owner = await this.askOwner(log);
    if (position !== undefined && owner !== undefined && position > owner) {
      const ends = owner < 0 ? 'has no events' : `ends at ${owner}`;
      throw new Refused('BAD_REQUEST', `position is ${position}, but ${log} ${ends}; state one of its positions`);
    }
    return this.answer(question, owner, until);
  }

  /**
   * Shows what enforces an event of a log, without waiting; undefined while a point may be missing. Callers of other tenants
   * need not know the machines.
   */
  async enforcing(log: string, position: number, revocationId: string): Promise<PointView[] | undefined> {
    const question = { log, position, revocationId, waitMs: 0 };
    const { items, settlingMs, overflow } = await this.answer(question, await this.askOwner(log), performance.now());
    if (settlingMs !== undefined || overflow) return undefined;
    return items.map(({ process: _, ...point }) => point);
  }

  private async answer(
    { log, position: stated, revocationId }: Question,
    owner: number | undefined,
    until: number,
  ): Promise<PointsAnswer> {
    const position = stated ?? owner ?? -1;
    // a count of other calls would be taken for those of what is asked about
    const asked = { log, position, aborted: stated === undefined ? 'any' : revocationId };
    const points = await this.awaitPoints(asked, until);
    const about = stated === undefined ? undefined : await this.eventAt(log, position);
    const at = about?.time;
    const items = [ownerView(log, owner, position, at), ...points.map((point) => withDelay(point, at))];
    const { leftOut } = this.known;
    const settlingMs = Math.ceil(this.settlingMs());
    return {
      log,
      position,
      ...(at === undefined ? {} : { at, tokensEndBy: tokensEndBy(at) }),
      confirmed: settlingMs === 0 && leftOut.length === 0 && items.every(enforces),
      ...(settlingMs > 0 ? { settlingMs } : {}),
      ...(leftOut.length > 0 ? { overflow: true, leftOut } : {}),
      items,
      next: null,
    };
  }

  /** Asks the points at least once, unless all of them enforce what is asked about: one may not be known. */
  private async awaitPoints(asked: Asked, until: number): Promise<PointView[]> {
    let points = this.known.list(asked);
    if (points.length > 0 && this.areSure(points)) return points;
    const end = this.questions.ask(asked.log);
    try {
      while (!this.areSure(points) && performance.now() < until) {
        const leftMs = until - performance.now();
        if (points.every(enforces) && this.settlingMs() > leftMs) break; // it cannot be sure in time
        await this.nextReport(Math.min(leftMs, this.settlingMs() || Infinity));
        points = this.known.list(asked);
      }
      return points;
    } finally {
      end();
    }
  }

  private areSure(points: readonly PointView[]): boolean {
    return this.settlingMs() === 0 && points.every(enforces);
  }

  /** How long a point may still be unknown that has calls in flight, ms. */
  private settlingMs(): number {
    return this.since === undefined ? SETTLED_MS : Math.max(0, this.since + SETTLED_MS - performance.now());
  }

  /**
   * Returns the position of the newest event that the owner decides by; undefined if it does not answer.
   * @throws Refused NOT_FOUND for a log that does not exist: no point is asked about it
   */
  private async askOwner(log: string): Promise<number | undefined> {
    const reply = await this.logClient.question({ op: 'head', log }).catch((error: unknown) => {
      if (error instanceof Refused && error.code === 'NOT_FOUND') throw error;
      return undefined;
    });
    const read = reply?.ok ? head.safeParse(reply.value) : undefined;
    return read?.success ? read.data.position - 1 : undefined;
  }

  private async eventAt(log: string, position: number): Promise<z.infer<typeof event> | undefined> {
    const { tenant } = parseLogName(log);
    const query = { tenant, log, after: position - 1, limit: 1 };
    const page = events.safeParse(await this.logClient.ledger('events', query).catch(() => undefined));
    const [first] = page.success ? page.data.items : [];
    return first?.position === position ? first : undefined;
  }

  private wake(): void {
    this.gathering = undefined;
    for (const wake of [...this.waiting]) wake();
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

/** Whether nothing is to be awaited of a point. */
const enforces = ({ state }: PointView): boolean => state === 'enforces' || state === 'gone';

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
