import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { jetStreamSource } from '@bailiwick/messaging/event-source';
import { eventPublisher } from '@bailiwick/messaging/events';
import { fill, smallDisk } from '../support/small-disk';
import { TestNatsServer } from './bus-server';

const LOG = 'default/0';
const TIME = '2026-01-01T00:00:00.000Z';

const disk = smallDisk(64);
afterAll(() => disk?.remove());

(disk ? describe : describe.skip)('a nats-server with a full disk', () => {
  let server: TestNatsServer;
  let owner: Bus;
  let ledger: Bus;
  beforeAll(async () => {
    server = await TestNatsServer.start('', disk?.dir);
    owner = await connectBus({ url: server.url, name: 'owner', inboxPrefix: '_INBOX_owner' });
    ledger = await connectBus({ url: server.url, name: 'ledger', inboxPrefix: '_INBOX_ledger' });
  });
  afterAll(async () => {
    await server.kill(); // a hanging server would keep the connections from closing
    await Promise.all([owner.drain(), ledger.drain()]);
    await server.remove();
  });

  it('accepts announcements, notifies followers and serves every connection', async () => {
    const publisher = eventPublisher(owner);
    await publisher.ensureStream();
    expect(await publisher.announce({ log: LOG, from: 0, next: 1, time: TIME })).toMatchObject({ ok: true });
    const ballast = join(disk?.dir as string, 'ballast');
    fill(ballast);

    for (let from = 1; from < 200; from += 1)
      expect(await publisher.announce({ log: LOG, from, next: from + 1, time: TIME })).toMatchObject({ ok: true });
    const heads: number[] = [];
    let following: () => void = () => undefined;
    const started = new Promise<void>((resolve) => (following = resolve));
    const source = jetStreamSource(ledger).subscribe(LOG, { head: (next) => heads.push(next), gap: () => following() });
    await started;
    expect(await publisher.announce({ log: LOG, from: 200, next: 201, time: TIME })).toMatchObject({ ok: true });
    expect(await owner.ping(5_000)).toMatchObject({ ok: true });
    expect(await ledger.ping(5_000)).toMatchObject({ ok: true });
    expect(heads).toEqual([201]);
    await source.stop();
    rmSync(ballast);
  });
});
