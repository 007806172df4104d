import type { OwnerLog } from '../../apps/delegation/src/log-owner/ports';
import { parseEvent, type Event } from '@bailiwick/contracts/events/event';
import { MemoryEventLog } from '@bailiwick/event-store/memory';
import type { AppendEvent, AppendResult, EventLog, Fence } from '@bailiwick/event-store/port';
import type { Process } from './process';
import { Violation, type World } from './world';

/** Far more events than the clients of a simulation can cause. */
const MAX_EVENTS = 2_000;

/** The interface of the event log that a process uses. */
export type Connection = OwnerLog &
  Pick<EventLog, 'head' | 'saveSnapshot' | 'heartbeat' | 'acquireLease' | 'releaseLease' | 'leave'>;

const unavailable = (): Promise<never> => Promise.reject(new Error('the database is unavailable'));

/**
 * The database of a simulation: the in-memory event log behind connections that fail. It keeps a separate record of the
 * committed events in their order, and checks every commit (I5).
 */
export class Database {
  readonly store: MemoryEventLog;
  /** everything committed, by log */
  readonly committed = new Map<string, Event[]>();
  readonly bodies = new Map<string, string[]>();
  /** log → epoch of its newest lease */
  readonly epochs = new Map<string, number>();
  /** called when an append leaves its process, possibly long before it arrives; its result is called on the reply */
  onAppend: (process: Process, log: string, events: readonly Event[]) => () => void = () => () => undefined;
  onSnapshot: (log: string, position: number, state: string) => void = () => undefined;
  private readonly byCommand = new Map<string, Event[]>();
  private readonly parsed = new Map<string, Event>();
  private unavailableUntil = 0;

  constructor(private readonly world: World) {
    this.store = new MemoryEventLog(
      () => world.now,
      () => world.wall(),
    );
  }

  async create(log: string): Promise<void> {
    await this.store.createLog(log);
    this.committed.set(log, []);
    this.bodies.set(log, []);
  }

  events(log: string): readonly Event[] {
    return this.committed.get(log) as Event[];
  }

  /** Returns the events that a command wrote. */
  eventsOf(log: string, commandId: string): readonly Event[] {
    return this.byCommand.get(`${log} ${commandId}`) ?? [];
  }

  /** Parses an event like `parseEvent`, but each text only once. */
  parse(body: string): Event {
    const known = this.parsed.get(body);
    if (known) return known;
    const event = parseEvent(body);
    this.parsed.set(body, event);
    return event;
  }

  /** Lets every call fail for a while. */
  interrupt(ms: number): void {
    this.unavailableUntil = this.world.now + ms;
    this.world.note(`the database is unavailable for ${ms} ms`);
  }

  connect(process: Process): Connection {
    const { store, world } = this;
    const fails = (): boolean =>
      !world.calm && (world.now < this.unavailableUntil || world.random.chance(process.faultRates.broken));
    const call = <T>(what: string, effect: () => Promise<T>): Promise<T> =>
      process.call(what, () => {
        if (!fails()) return effect();
        world.count(`${what} failed`);
        return unavailable();
      });
    return {
      append: (log, at, events, fence, notAfter) => {
        const parsed = events.map(({ body }) => this.parse(body));
        const received = this.onAppend(process, log, parsed);
        return call('append', () => this.append(process, log, at, events, fence, notAfter)).finally(received);
      },
      head: (log) => call('read', () => store.head(log)),
      read: (log, from, limit) => call('read', () => store.read(log, from, limit)),
      at: (log, positions) => call('at', () => store.at(log, positions)),
      search: (filter) => call('search', () => store.search(filter)),
      latestSnapshot: (log, version, before) => call('load', () => store.latestSnapshot(log, version, before)),
      saveSnapshot: (log, position, version, parts) => {
        const state = [...parts];
        return call('snapshot', () => {
          this.onSnapshot(log, position, state.join('\n'));
          return store.saveSnapshot(log, position, version, state);
        });
      },
      heartbeat: (owner, ttl, takes) => call('heartbeat', () => store.heartbeat(owner, ttl, takes)),
      acquireLease: (log, owner) =>
        call('lease', async () => {
          const lease = await store.acquireLease(log, owner);
          if (lease) this.epochs.set(log, lease.epoch);
          return lease;
        }),
      releaseLease: (log, owner) => call('release', () => store.releaseLease(log, owner)),
      leave: (owner) => call('leave', () => store.leave(owner)),
    };
  }

  private async append(
    process: Process,
    log: string,
    at: number,
    events: readonly AppendEvent[],
    fence?: Fence,
    notAfter?: number,
  ): Promise<AppendResult> {
    const { world } = this;
    const write = (): Promise<AppendResult> => this.write(process, log, at, events, fence, notAfter);
    if (world.calm || !world.random.chance(process.faultRates.unknown)) return write();
    const how = world.random.weighted({ 'was written': 3, 'was not written': 3, 'is written later': 2 });
    world.count(`append with unknown result ${how}`);
    world.note(`${process.name} loses the reply to the append at ${log}@${at}: it ${how}`);
    if (how === 'was written') await write();
    // the connection is closed while the statement is still in transit
    if (how === 'is written later') world.after(world.random.between(1, 5_000), () => void write());
    return { ok: false, reason: 'unknown', detail: 'the connection broke' };
  }

  private async write(
    process: Process,
    log: string,
    at: number,
    events: readonly AppendEvent[],
    fence?: Fence,
    notAfter?: number,
  ): Promise<AppendResult> {
    const { world } = this;
    const result = await this.store.append(log, at, events, fence, notAfter);
    const range = `${log}@${at}${events.length > 1 ? `..${at + events.length - 1}` : ''}`;
    world.note(
      `${process.name} appends ${range} ${events.map(({ type }) => type).join(' ')}: ${result.ok ? 'ok' : result.reason}`,
    );
    if (!result.ok) world.count(`append refused: ${result.reason}`);
    else this.commit(log, events);
    return result;
  }

  private commit(log: string, events: readonly AppendEvent[]): void {
    const all = this.committed.get(log) as Event[];
    const bodies = this.bodies.get(log) as string[];
    try {
      const fresh = events.map(({ body }) => this.parse(body));
      for (const [i, event] of fresh.entries()) {
        const last = all[all.length - 1];
        if (event.position !== all.length)
          throw new Violation(
            `I5: ${log} has ${all.length} events, but an event with position ${event.position} was committed`,
          );
        if (last && Date.parse(event.time) < Date.parse(last.time))
          throw new Violation(`I5: ${log}@${event.position} is earlier than the event before it`);
        if (all.length >= MAX_EVENTS)
          throw new Violation(`${log} grows without limit: ${event.type} follows ${last?.type}`);
        all.push(event);
        bodies.push((events[i] as AppendEvent).body);
        const key = `${log} ${event.commandId}`;
        const existing = this.byCommand.get(key);
        if (existing) existing.push(event);
        else this.byCommand.set(key, [event]);
      }
    } catch (error) {
      this.world.fail(error);
    }
  }
}
