import type { EventWithoutPayload } from '@bailiwick/contracts/events/stored-event';
import { LIMITS } from '@bailiwick/core/limits';
import { NEW_CURSOR, type Buried, type WebhookCursor } from '@bailiwick/event-store/postgres/webhook-deliveries';
import { WebhookLine } from './line';
import { messageOf } from './message';
import type { Attempt } from './progress';

const LOG = 'acme/0';
const eventAt = (position: number, type = 'RunOpened'): EventWithoutPayload => ({
  ...{ log: LOG, position, type, time: '2026-01-02T00:00:00Z', body: `{"position":${position}}` },
});

const ENDED: Attempt = { delivered: false, error: 'the connection ended before a response' };

/** A log, a receiver, and what is stored of a webhook. */
class World {
  events: EventWithoutPayload[] = [];
  stored: WebhookCursor = NEW_CURSOR;
  readonly buried: Buried[] = [];
  readonly received: string[] = [];
  /** how many events each read was of */
  readonly reads: number[] = [];
  readonly disabled: string[] = [];
  now = 1_000;
  messages = (event: EventWithoutPayload) => [messageOf(event)];
  full = false;
  /** of the webhook as it is stored now */
  version = '1';
  /** decides each attempt; by default it is delivered */
  answers: (id: string) => Attempt = () => ({ delivered: true, status: 200 });
  /** the receiver does not answer: an attempt, which this is called at, ends only if it is not wanted any more */
  hangs: (() => void) | undefined;
  /** the process dies before what it has sent is stored */
  dies = false;

  line(types?: string[]): WebhookLine {
    const target = {
      tenant: 'acme',
      name: 'siem',
      url: 'https://siem.example/',
      types,
      secrets: [],
      callbacks: false,
      version: '1',
    };
    return new WebhookLine(target, LOG, this.stored, {
      read: (_log, from, limit) => {
        this.reads.push(limit);
        return Promise.resolve(this.events.slice(from, from + limit));
      },
      save: ({ version }, _log, cursor, buried) => {
        if (this.dies) return Promise.reject(new Error('killed'));
        if (version !== this.version) return Promise.resolve(false);
        this.stored = cursor;
        if (buried) this.buried.push(buried);
        return Promise.resolve(true);
      },
      disable: (_target, reason) => Promise.resolve(void this.disabled.push(reason)),
      isFull: () => Promise.resolve(this.full),
      messagesOf: (_target, event) => Promise.resolve(this.messages(event)),
      attempt: (_target, { id }, signal) => {
        this.received.push(id);
        const { hangs } = this;
        if (hangs)
          return new Promise((end) => {
            signal.addEventListener('abort', () => end(ENDED));
            hangs();
          });
        return Promise.resolve(this.answers(id));
      },
      now: () => this.now,
      random: () => 0,
    });
  }
}

describe('WebhookLine', () => {
  let world: World;
  beforeEach(() => void (world = new World()));
  const failing = (): Attempt => ({ delivered: false, error: 'it answered 500' });

  it('sends each event of the wanted types once, in the order of the log, also those that arrive later', async () => {
    world.events = [eventAt(0), eventAt(1, 'GrantIssued'), eventAt(2)];
    const line = world.line(['RunOpened']);
    await line.run();
    world.events.push(eventAt(3));
    await Promise.all([line.run(), line.run()]);
    expect(world.received).toEqual(['acme/0:0', 'acme/0:2', 'acme/0:3']);
    expect(line.position).toBe(4);
  });

  it('sends an event again with the same id if the process dies between its delivery and the record of it', async () => {
    world.events = [eventAt(0), eventAt(1)];
    world.dies = true;
    await expect(world.line().run()).rejects.toThrow('killed');
    world.dies = false;
    await world.line().run(); // the next process, from what is stored
    expect(world.received).toEqual(['acme/0:0', 'acme/0:0', 'acme/0:1']);
    expect(world.stored).toMatchObject({ position: 2, delivered: 2 });
  });

  it('records no dead letter that is not stored: the last attempt is repeated', async () => {
    world.events = [eventAt(0)];
    world.answers = failing;
    world.stored = { ...NEW_CURSOR, attempts: LIMITS.webhooks.attempts - 1 };
    world.dies = true;
    const line = world.line();
    await expect(line.run()).rejects.toThrow('killed');
    expect([line.position, world.buried]).toEqual([0, []]);
    world.dies = false;
    await line.run();
    expect([line.position, world.buried.map(({ position }) => position)]).toEqual([1, [0]]);
  });

  it('waits after a failure, sends nothing after the failed event first, and continues in order', async () => {
    world.events = [eventAt(0), eventAt(1)];
    world.answers = failing;
    const line = world.line();
    await line.run();
    await line.run(); // not due
    expect(world.received).toEqual(['acme/0:0']);
    world.now = world.stored.nextAt ?? 0;
    world.answers = () => ({ delivered: true, status: 200 });
    await line.run();
    expect(world.received).toEqual(['acme/0:0', 'acme/0:0', 'acme/0:1']);
  });

  it('buries an event that failed too often and continues with the next one', async () => {
    world.events = [eventAt(0), eventAt(1)];
    world.answers = (id) => (id === 'acme/0:0' ? failing() : { delivered: true, status: 200 });
    const line = world.line();
    for (let i = 0; i < LIMITS.webhooks.attempts; i++) {
      await line.run();
      world.now = world.stored.nextAt ?? world.now;
    }
    expect(world.buried).toEqual([
      { position: 0, type: 'RunOpened', attempts: LIMITS.webhooks.attempts, error: 'it answered 500' },
    ]);
    expect(world.received.filter((id) => id === 'acme/0:1')).toHaveLength(1);
  });

  it('is disabled once its dead letters are too many, rather than lose one', async () => {
    world.events = [eventAt(0), eventAt(1)];
    world.answers = failing;
    world.full = true;
    world.stored = { ...NEW_CURSOR, attempts: LIMITS.webhooks.attempts - 1 };
    const line = world.line();
    await line.run();
    expect([world.disabled, world.received, line.isDisabled]).toEqual([
      ['it has too many dead letters'],
      ['acme/0:0'],
      true,
    ]);
  });

  it('records nothing, and sends nothing more, once the settings of its webhook were replaced', async () => {
    world.events = [eventAt(0), eventAt(1)];
    world.answers = () => {
      world.version = '2';
      return { delivered: false, error: 'it answered 410', isGone: true };
    };
    const line = world.line();
    await line.run();
    expect([world.stored, world.disabled, world.received]).toEqual([NEW_CURSOR, [], ['acme/0:0']]);
    world.answers = () => ({ delivered: true, status: 200 });
    await line.run();
    expect(world.received).toEqual(['acme/0:0']);
  });

  it('sends all messages of an event before the next one, and after a failure none of them twice', async () => {
    world.events = [eventAt(0), eventAt(1)];
    world.messages = (event) =>
      ['a', 'b', 'c'].map((part) => ({ ...messageOf(event), id: `${event.position}${part}` }));
    world.answers = (id) => (id === '0b' && world.received.length < 3 ? failing() : { delivered: true, status: 200 });
    const line = world.line();
    await line.run();
    expect([world.received, world.stored.position, world.stored.attempts]).toEqual([['0a', '0b'], 0, 1]);
    world.now = world.stored.nextAt ?? 0;
    await line.run();
    expect([world.received.slice(2), world.stored.position]).toEqual([['0b', '0c', '1a', '1b', '1c'], 2]);
  });

  it('reads few events at once while it sends them, since many lines may wait with theirs', async () => {
    world.events = Array.from({ length: 250 }, (_, i) => eventAt(i, i < 200 ? 'GrantIssued' : 'RunOpened'));
    await world.line(['RunOpened']).run();
    expect(world.reads).toEqual([10, 100, 100, 10, 10, 10, 10, 10]);
    expect(world.received).toHaveLength(50);
  });

  it('does not wait for a receiver that does not answer when it is stopped', async () => {
    world.events = [eventAt(0)];
    const line = world.line();
    let running: Promise<void> | undefined;
    await new Promise<void>((asked) => {
      world.hangs = asked;
      running = line.run();
    });
    await line.stop();
    await running;
    expect([world.received, world.stored]).toEqual([['acme/0:0'], NEW_CURSOR]);
  });

  it('does not count an attempt that the end of the process ended', async () => {
    world.events = [eventAt(0)];
    const line = world.line();
    let stopping: Promise<void> | undefined;
    world.answers = () => {
      stopping = line.stop();
      return failing();
    };
    await line.run();
    await stopping;
    expect(world.stored).toEqual(NEW_CURSOR);
  });
});
