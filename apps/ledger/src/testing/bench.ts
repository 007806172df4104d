import { Client } from 'pg';
import type { EventSource, SourceSink } from '@bailiwick/messaging/log-follower/follow-log';
import type { Event } from '@bailiwick/contracts/events/event';
import { MemoryEventLog } from '@bailiwick/event-store/memory';
import { migrateEventLog } from '@bailiwick/event-store/migrations/run';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { AppendEvent } from '@bailiwick/event-store/port';
import type { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { seededKey } from '@bailiwick/transparency-log/testing/keys';
import { testDatabase } from '../../../../test/support/servers';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { LogLedger } from '../follower/log-ledger';
import { migrateSchema as migrateLedger } from '../migrate';
import { LedgerStore } from '../read-models/store';
import { rpc, type Ask, type RpcOptions } from './rpc';

export const LOG = 'default/0';
export const ORIGIN = 'bailiwick.test';
export const KEY = seededKey(11);

/** Announces commits to every subscriber. */
class TestSource implements EventSource {
  private readonly sinks = new Set<SourceSink>();

  subscribe(_log: string, sink: SourceSink): { stop(): Promise<void> } {
    this.sinks.add(sink);
    return { stop: async () => void this.sinks.delete(sink) };
  }

  announce(next: number): void {
    for (const sink of this.sinks) sink.head(next);
  }
}

/** An event log in memory whose stored bodies and payloads a test can change. */
class TestEventLog extends MemoryEventLog {
  readonly forged = new Map<number, string>();
  readonly forgedPayloads = new Map<number, string>();
  /** events from this position on are missing */
  cut = Infinity;

  override async read(log: string, from: number, limit: number): Promise<StoredEvent[]> {
    const events = await super.read(log, from, limit);
    return events
      .filter(({ position }) => position < this.cut)
      .map((event) => ({
        ...event,
        body: this.forged.get(event.position) ?? event.body,
        payload: this.forgedPayloads.get(event.position) ?? event.payload ?? null,
      }));
  }
}

/** Converts events of a log to the form in which their writer appends them. */
export const toAppend = (log: SealedLog, from = 0, to = log.events.length): AppendEvent[] =>
  log
    .stored()
    .slice(from, to)
    .map((each, i) => {
      const { tenant, treeId, runId, grantId, actionId, commandId } = log.events[from + i] as Event;
      return { ...each, payload: each.payload ?? undefined, tenant, treeId, runId, grantId, actionId, commandId };
    });

/** The environment of a ledger: an event log in memory, and the ledger's tables in a real database. */
export class Bench {
  eventlog = new TestEventLog();
  source = new TestSource();
  readonly warnings: string[] = [];
  /** errors that requests failed with */
  readonly errors: unknown[] = [];
  private readonly started = new Set<LogLedger>();
  private applications = new WeakMap<LogLedger, Promise<Ask>>();

  private constructor(
    readonly url: string,
    readonly store: LedgerStore,
    readonly sql: Client,
    private readonly drop: () => Promise<void>,
  ) {}

  static async open(): Promise<Bench> {
    const database = await testDatabase();
    await migrateEventLog(database.url);
    await migrateLedger(database.url);
    const sql = new Client({ connectionString: database.url });
    await sql.connect();
    return new Bench(database.url, await LedgerStore.open(database.url), sql, () => database.drop());
  }

  async close(): Promise<void> {
    await this.reset();
    await this.store.close();
    await this.sql.end();
    await this.drop();
  }

  /** Stops all ledgers and clears all data. */
  async reset(): Promise<void> {
    await Promise.all([...this.started].map((ledger) => ledger.stop()));
    this.started.clear();
    await this.sql.query(
      'TRUNCATE ledger.follower, ledger.all_piece, ledger.checkpoint, ledger.all_item, ledger.all_consequence, ledger.rebuild, ledger.signing_key, ledger.cosignature, ledger.witnessed',
    );
    this.eventlog = new TestEventLog();
    this.source = new TestSource();
    this.warnings.length = 0;
    this.errors.length = 0;
    await this.eventlog.createLog(LOG);
  }

  make(key = KEY, witnesses = 0): LogLedger {
    const { eventlog, store, source } = this;
    const warn = (message: string, cause?: unknown): void => void this.warnings.push(`${message}: ${String(cause)}`);
    return new LogLedger({ log: LOG, origin: ORIGIN, key, eventlog, store, source, warn, witnesses });
  }

  start(key = KEY): LogLedger {
    const ledger = this.make(key);
    this.started.add(ledger);
    ledger.start();
    return ledger;
  }

  async stop(ledger: LogLedger): Promise<void> {
    this.started.delete(ledger);
    await ledger.stop();
  }

  /** Appends the events of a log up to `to`, and announces them. */
  async append(log: SealedLog, to = log.events.length): Promise<void> {
    const from = await this.eventlog.head(LOG);
    const more = toAppend(log, from, to);
    if (more.length === 0) return;
    const result = await this.eventlog.append(LOG, from, more);
    if (!result.ok) throw new Error(result.detail);
    this.source.announce(result.next);
  }

  /** Appends, and waits until a ledger has followed it. */
  async feed(ledger: LogLedger, log: SealedLog, to = log.events.length): Promise<void> {
    await this.append(log, to);
    if (to > 0 && !(await ledger.reached(to - 1, 20_000)))
      throw new Error(`the ledger did not reach ${to - 1}: ${this.warnings.join('; ')}`);
  }

  /**
   * Sends a request to a ledger through the handlers of the application.
   * @param name the last part of the subject
   */
  async ask(ledger: LogLedger, name: string, payload: object, options?: RpcOptions): Promise<Answer> {
    const known = this.applications.get(ledger);
    const application = known ?? rpc(this, ledger, options);
    this.applications.set(ledger, application);
    return (await application)(name, payload);
  }

  /** Returns every row derived from the events, as text. Without checkpoints: those depend on the time of signing. */
  async rows(): Promise<Record<string, unknown[]>> {
    const all: Record<string, unknown[]> = {};
    for (const table of ['follower', 'piece', 'item', 'consequence']) {
      const row = table === 'follower' ? 'ROW(log, position)' : 't';
      const { rows } = await this.sql.query<{ row: string }>(
        `SELECT ${row}::text AS row FROM ledger.${table} AS t ORDER BY 1`,
      );
      all[table] = rows.map(({ row }) => row);
    }
    return all;
  }
}

/** Waits until a condition holds. */
export async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i > 5_000) throw new Error(`timed out: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
