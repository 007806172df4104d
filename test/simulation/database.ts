import type { OwnerLog } from '../../apps/delegation/src/log-owner/ports';
import { parseEvent, type Event } from '@bailiwick/contracts/event';
import { MemoryEventLog } from '@bailiwick/event-store/memory';
import type { AppendEvent, AppendResult, EventLog, Fence } from '@bailiwick/event-store/port';
import type { Process } from './process';
import { Violation, type World } from './world';

/** Many times what the clients of a simulation can have asked for. */
const MOST_EVENTS = 2_000;

/** What a process sees of the event log. */
export type Connection = OwnerLog &
  Pick<EventLog, 'head' | 'saveSnapshot' | 'heartbeat' | 'acquireLease' | 'releaseLease' | 'leave'>;

const gone = (): Promise<never> => Promise.reject(new Error('the database is away'));

/**
 * The one database of a simulation: the event log in memory, reached over connections that break. It remembers by
 * itself what was committed, in the order in which that happened, and checks what must hold of every commit (I5).
 */
export class Database {
  readonly store: MemoryEventLog;
  /** everything committed, by log */
  readonly committed = new Map<string, Event[]>();
  readonly bodies = new Map<string, string[]>();
  /** the newest epoch of each log that was given to anybody */
  readonly epochs = new Map<string, number>();
  /** called when an append leaves its process, which may be long before it arrives; what it gives back, when it is heard of */
  onAppend: (process: Process, log: string, events: readonly Event[]) => () => void = () => () => undefined;
  onSnapshot: (log: string, position: number, state: string) => void = () => undefined;
  private readonly byCommand = new Map<string, Event[]>();
  private readonly parsed = new Map<string, Event>();
  private awayUntil = 0;

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

  /** What a command made. */
  madeBy(log: string, commandId: string): readonly Event[] {
    return this.byCommand.get(`${log} ${commandId}`) ?? [];
  }

  /** As `parseEvent`; of one text only once. */
  parse(body: string): Event {
    const known = this.parsed.get(body);
    if (known) return known;
    const event = parseEvent(body);
    this.parsed.set(body, event);
    return event;
  }

  /** Answers nobody for a while. */
  goAway(ms: number): void {
    this.awayUntil = this.world.now + ms;
    this.world.note(`the database is away for ${ms} ms`);
  }

  connect(process: Process): Connection {
    const { store, world } = this;
    const fails = (): boolean =>
      !world.calm && (world.now < this.awayUntil || world.random.chance(process.weather.broken));
    const call = <T>(what: string, effect: () => Promise<T>): Promise<T> =>
      process.call(what, () => {
        if (!fails()) return effect();
        world.count(`${what} failed`);
        return gone();
      });
    return {
      append: (log, at, events, fence, notAfter) => {
        const parsed = events.map(({ body }) => this.parse(body));
        const heard = this.onAppend(process, log, parsed);
        return call('append', () => this.append(process, log, at, events, fence, notAfter)).finally(heard);
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
    if (world.calm || !world.random.chance(process.weather.unknown)) return write();
    const how = world.random.weighted({ 'was written': 3, 'was not written': 3, 'is written later': 2 });
    world.count(`append that nobody knows of ${how}`);
    world.note(`${process.name} does not hear whether ${log}@${at} was written: it ${how}`);
    if (how === 'was written') await write();
    // the connection is broken, and the statement is still on its way
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
            `I5: ${log} holds ${all.length} events, and one of position ${event.position} was committed`,
          );
        if (last && Date.parse(event.time) < Date.parse(last.time))
          throw new Violation(`I5: ${log}@${event.position} is earlier than the event before it`);
        if (all.length >= MOST_EVENTS)
          throw new Violation(`${log} grows without end: ${event.type} follows ${last?.type}`);
        all.push(event);
        bodies.push((events[i] as AppendEvent).body);
        const key = `${log} ${event.commandId}`;
        const made = this.byCommand.get(key);
        if (made) made.push(event);
        else this.byCommand.set(key, [event]);
      }
    } catch (error) {
      this.world.fail(error);
    }
  }
}
