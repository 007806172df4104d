import type { Bus } from '@bailiwick/messaging/connect';
import { busFailure } from '@bailiwick/messaging/failure';
import type { EventSource, SourceSink } from '@bailiwick/messaging/log-follower/follow-log';
import type { CommandOf } from '@bailiwick/contracts/commands/command';
import { MemoryEventLog } from '@bailiwick/event-store/memory';
import { err, ok, type Result } from '@bailiwick/core/result';
import { LogMonitor, type ProgressStore } from '../log-monitor';
import type { DriftingLog } from './drifting';

export const LOG = 'default/0';
type Reply = (commands: CommandOf<'recordDrift'>[]) => Result<unknown, ReturnType<typeof busFailure>>;

/** Records the monitor's requests and responds as the test specifies. */
export class FakeBus {
  readonly sent: { subject: string; commands: CommandOf<'recordDrift'>[] }[] = [];
  answer: Reply = (commands) => ok({ answers: commands.map(() => ({ ok: true, value: {} })) });

  readonly bus = {
    request: async (subject: string, payload: unknown) => {
      const { commands } = payload as { commands: CommandOf<'recordDrift'>[] };
      this.sent.push({ subject, commands });
      return this.answer(commands);
    },
  } as unknown as Bus;

  get commands(): CommandOf<'recordDrift'>[] {
    return this.sent.flatMap(({ commands }) => commands);
  }
}

export const failing: Reply = () => err(busFailure('TIMEOUT', 'x', 'no response'));

/** An event log whose reads wait while the gate is closed. */
class GatedEventLog extends MemoryEventLog {
  private gate = Promise.resolve();
  private release = (): void => undefined;
  /** number of events that can be read while the gate is closed */
  private open = Infinity;

  closeGateAt(position: number): void {
    this.open = position;
    this.gate = new Promise((resolve) => (this.release = resolve));
  }

  openGate(): void {
    this.open = Infinity;
    this.release();
  }

  override async read(log: string, from: number, limit: number): ReturnType<MemoryEventLog['read']> {
    if (from >= this.open) await this.gate;
    return super.read(log, from, Math.min(limit, Math.max(1, this.open - from)));
  }
}

/** The dependencies of a monitor of one log. */
export class MonitorWorld implements EventSource, ProgressStore {
  readonly eventlog = new GatedEventLog();
  readonly bus = new FakeBus();
  readonly warnings: string[] = [];
  readonly saves: number[] = [];
  stored = 0;
  broken = false;
  private readonly sinks = new Set<SourceSink>();
  private readonly monitors: LogMonitor[] = [];

  subscribe(_log: string, sink: SourceSink): { stop(): Promise<void> } {
    this.sinks.add(sink);
    return { stop: async () => void this.sinks.delete(sink) };
  }

  async since(): Promise<number> {
    return this.stored;
  }

  async save(_log: string, since: number): Promise<void> {
    if (this.broken) throw new Error('the database is unavailable');
    this.saves.push(since);
    this.stored = since;
  }

  start(): LogMonitor {
    const { eventlog, bus } = this;
    const warn = (message: string): void => void this.warnings.push(message);
    const monitor = new LogMonitor({ log: LOG, bus: bus.bus, eventlog, source: this, store: this, warn });
    this.monitors.push(monitor);
    monitor.start();
    return monitor;
  }

  async stop(): Promise<void> {
    this.eventlog.openGate();
    await Promise.all(this.monitors.map((monitor) => monitor.stop()));
  }

  /** Appends the events that the event log lacks, and announces them. */
  async append(log: DriftingLog): Promise<void> {
    await this.eventlog.createLog(LOG);
    const from = await this.eventlog.head(LOG);
    const stored = log.stored().slice(from);
    if (stored.length === 0) return;
    const more = stored.map((each, i) => ({ ...log.events[from + i], ...each, payload: each.payload ?? undefined }));
    const result = await this.eventlog.append(LOG, from, more as never);
    if (!result.ok) throw new Error(result.detail);
    for (const sink of this.sinks) sink.head(result.next);
  }
}

/** Waits for background work. */
export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i > 5_000) throw new Error(`timed out waiting for ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
