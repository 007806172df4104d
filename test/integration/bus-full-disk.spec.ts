import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { announceCommit, subjectSource } from '@bailiwick/messaging/commit-notifications';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { makeConsumer } from '@bailiwick/messaging/event-stream/subscribers';
import { StreamPublisher } from '@bailiwick/messaging/event-stream/stream-publisher';
import { fill, smallDisk } from '../support/small-disk';
import { TestNatsServer } from './bus-server';

const LOG = 'default/0';
const TIME = '2026-01-01T00:00:00.000Z';
const BODY = JSON.stringify({ text: 'x'.repeat(60_000) });

const disk = smallDisk(64);
afterAll(() => disk?.remove());

(disk ? describe : describe.skip)('a nats-server with a full disk', () => {
  let server: TestNatsServer;
  let owner: Bus;
  let ledger: Bus;
  let stream: Bus;
  beforeAll(async () => {
    server = await TestNatsServer.start('', disk?.dir);
    [owner, ledger, stream] = (await Promise.all(
      ['owner', 'ledger', 'ledger-events'].map((name) =>
        connectBus({ url: server.url, name, inboxPrefix: `_INBOX_${name}` }),
      ),
    )) as [Bus, Bus, Bus];
  });
  afterAll(async () => {
    await server.kill(); // a hanging server would keep the connections from closing
    await Promise.all([owner.drain(), ledger.drain(), stream.drain()]);
    await server.remove();
  });

  it('notifies followers and serves every connection but that of the event stream', async () => {
    const events = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        log: LOG,
        position: from + i,
        type: 'RunOpened',
        time: TIME,
        body: BODY,
      }));
    const warnings: string[] = [];
    const log = { read: () => Promise.resolve([]), head: () => Promise.resolve(0) };
    const publisher = new StreamPublisher(stream, log, (message) => warnings.push(message), {
      maxBytes: 8 * 1024 * 1024,
    });
    publisher.follow(LOG);
    publisher.offer(LOG, events(0, 10));
    await makeConsumer(stream, { tenant: 'default', name: 'reader' });
    await until(() => publisher.behind === 0);
    const ballast = join(disk?.dir as string, 'ballast');
    fill(ballast);
    publisher.offer(LOG, events(10, 100));

    const heads: number[] = [];
    let following: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (following = resolve));
    const source = subjectSource(ledger).subscribe(LOG, { head: (next) => heads.push(next), gap: () => following() });
    await started;
    expect(announceCommit(owner, { log: LOG, from: 200, next: 201, time: TIME })).toMatchObject({ ok: true });
    await until(() => heads.length > 0);
    expect(heads).toEqual([201]);
    expect(await owner.ping(5_000)).toMatchObject({ ok: true });
    expect(await ledger.ping(5_000)).toMatchObject({ ok: true });
    await source.stop();
    rmSync(ballast);
    await server.kill();
    await publisher.stop();
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
}
