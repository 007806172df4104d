import { Changes } from './changes';
import type { Connection, UpstreamAnswer } from './connection';

/** A connection whose server acknowledges what is asked of it. */
class FakeConnection {
  readonly streams: {
    notifications: { resourceSubscriptions: string[] };
    signal: AbortSignal;
    end: (answer: UpstreamAnswer) => void;
  }[] = [];
  agrees: (notifications: object) => object | undefined = (all) => all;
  private notify: (method: string, params: Record<string, unknown>) => void = () => undefined;
  readonly ended = new Promise<void>(() => undefined);

  onNotification(listener: typeof this.notify): void {
    this.notify = listener;
  }

  request(
    method: string,
    { notifications }: { notifications?: never },
    { signal }: { signal: AbortSignal },
  ): Promise<UpstreamAnswer> {
    expect(method).toBe('subscriptions/listen');
    const agreed = this.agrees(notifications as never);
    if (agreed) setImmediate(() => this.notify('notifications/subscriptions/acknowledged', { notifications: agreed }));
    return new Promise((resolve, reject) => {
      this.streams.push({ notifications: notifications as never, signal, end: resolve });
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
  }
}

const stays = () => ({ signal: new AbortController().signal });

describe('the changes of a server of the stateless revision', () => {
  let connection: FakeConnection;
  let changes: Changes;
  beforeEach(() => {
    connection = new FakeConnection();
    changes = new Changes(connection as unknown as Connection, {
      tools: { listChanged: true },
      prompts: {},
      resources: {},
    });
  });

  it('are those of the lists that the server announces, and of each resource that is subscribed', async () => {
    await changes.listen();
    expect(
      (await Promise.all(['test://a', 'test://b'].map((uri) => changes.subscribe(uri, stays())))).map(({ ok }) => ok),
    ).toEqual([true, true]);
    await changes.unsubscribe('test://a');
    expect(connection.streams.map(({ notifications }) => notifications)).toEqual([
      { toolsListChanged: true, resourceSubscriptions: [] },
      // both were asked for before the first of them was sent
      { toolsListChanged: true, resourceSubscriptions: ['test://a', 'test://b'] },
      { toolsListChanged: true, resourceSubscriptions: ['test://a', 'test://b'] },
      { toolsListChanged: true, resourceSubscriptions: ['test://b'] },
    ]);
    expect(connection.streams.map(({ signal }) => signal.aborted)).toEqual([true, true, true, false]);
  });

  it('are not announced of a resource that the server does not agree to, and the stream before stays', async () => {
    await changes.subscribe('test://a', stays());
    connection.agrees = () => ({ resourceSubscriptions: ['test://a'] });
    expect(await changes.subscribe('test://b', stays())).toMatchObject({ ok: false });
    await changes.listen();
    expect(connection.streams.at(-1)?.notifications.resourceSubscriptions).toEqual(['test://a']);
    connection.agrees = () => undefined;
    const refused = changes.subscribe('test://c', stays());
    const error = { code: -32601, message: 'Method not found' };
    for (let i = 0; i < 10 && connection.streams.length < 4; i++) await new Promise(setImmediate);
    connection.streams.at(-1)?.end({ ok: false, error });
    await expect(refused).rejects.toThrow('Method not found');
    expect(connection.streams.map(({ signal }) => signal.aborted)).toEqual([true, true, false, true]);
  });

  it('are listened for again when the server ends the stream', async () => {
    await changes.listen();
    connection.streams[0]?.end({ ok: true, result: '{}' });
    for (let i = 0; i < 400 && connection.streams.length < 2; i++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(connection.streams).toHaveLength(2);
  });

  it('are no longer asked for when the subscription is aborted, and others are possible', async () => {
    await changes.subscribe('test://a', stays());
    connection.agrees = () => undefined;
    const [opening, queued] = [new AbortController(), new AbortController()];
    const first = changes.subscribe('test://b', opening);
    const second = changes.subscribe('test://c', queued);
    for (let i = 0; i < 10 && connection.streams.length < 2; i++) await new Promise(setImmediate);
    queued.abort();
    await expect(second).rejects.toThrow('aborted'); // while the one before it is still being opened
    opening.abort();
    await expect(first).rejects.toThrow('aborted');
    await expect(changes.subscribe('test://d', opening)).rejects.toThrow('aborted');
    expect(connection.streams.map(({ signal }) => signal.aborted)).toEqual([false, true]);
    connection.agrees = (all) => all;
    expect(await changes.subscribe('test://e', stays())).toMatchObject({ ok: true });
    expect(connection.streams.at(-1)?.notifications.resourceSubscriptions).toEqual(['test://a', 'test://e']);
  });
});
