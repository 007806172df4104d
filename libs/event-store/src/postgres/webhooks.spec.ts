import { LIMITS } from '@bailiwick/core/limits';
import { Client } from 'pg';
import { eventLogDatabase, query, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { batch } from '../testing/logs';
import { PostgresEventLog } from './event-log';
import { NEW_CURSOR, WebhookDeliveries, type WebhookTarget } from './webhook-deliveries';
import { PostgresWebhooks } from './webhooks';

const SECRET = { sealed: 'sealed' };
const save = (tenant: string, webhook: string, changed: object = {}) => ({
  ...{ tenant, webhook, url: 'https://siem.example/', types: null, secret: SECRET, enabled: true, callbacks: false },
  ...changed,
});

describe('PostgresWebhooks and WebhookDeliveries', () => {
  let database: EventLogDatabase;
  let webhooks: PostgresWebhooks;
  let deliveries: WebhookDeliveries;
  beforeAll(async () => {
    database = await eventLogDatabase();
    const eventlog = new PostgresEventLog(database.url);
    for (const log of ['acme/0', 'acme/1', 'other/0']) await eventlog.createLog(log);
    await eventlog.append('acme/0', 0, batch('acme/0', 0, 3));
    await eventlog.close();
    webhooks = new PostgresWebhooks(await database.as('delegation'));
    deliveries = new WebhookDeliveries(await database.as('ledger'));
    expect(await deliveries.hold()).toBe(true);
  }, 120_000);
  afterAll(async () => {
    await webhooks.close();
    await deliveries.close();
    await database.drop();
  });

  const found = async () => (await deliveries.find('acme', 'siem')) as WebhookTarget;

  it('start a webhook at the present end of each log of its tenant, and a later log at its start', async () => {
    expect(await webhooks.save(save('acme', 'siem', { url: 'https://siem.example/?token=x' }))).toBe(true);
    const [view] = await webhooks.list('acme');
    expect(view).toMatchObject({ name: 'siem', enabled: true, secrets: 1, deadLetters: 0 });
    expect(view?.url).not.toContain('token=x');
    expect(view?.logs.map(({ log, position, behind }) => [log, position, behind])).toEqual([
      ['acme/0', 3, 0],
      ['acme/1', 0, 0],
    ]);
    expect((await deliveries.cursor('acme', 'siem', 'acme/0')).position).toBe(3);
    expect(await deliveries.cursor('acme', 'siem', 'acme/2')).toEqual(NEW_CURSOR);
    expect(await webhooks.list('other')).toEqual([]);
  });

  it('keep the cursor and the secret of a webhook whose settings are replaced, and try it at once', async () => {
    const cursor = { ...NEW_CURSOR, position: 7, attempts: 3, nextAt: 9, error: 'x', failingSince: 5, failed: 3 };
    await deliveries.save(await found(), 'acme/0', cursor);
    expect(await deliveries.cursor('acme', 'siem', 'acme/0')).toEqual(cursor);
    const before = await deliveries.version();
    expect(await webhooks.save(save('acme', 'siem', { secret: undefined, types: ['RunOpened'] }))).toBe(false);
    expect(await deliveries.version()).not.toBe(before);
    expect(await deliveries.cursor('acme', 'siem', 'acme/0')).toEqual({ ...NEW_CURSOR, position: 7, failed: 3 });
    expect(await deliveries.find('acme', 'siem')).toMatchObject({ types: ['RunOpened'], secrets: [SECRET] });
  });

  it('record a dead letter with the cursor that passes it, and remove it once it is delivered', async () => {
    const buried = { position: 7, type: 'RunOpened', attempts: 8, error: 'it answered 500' };
    await deliveries.save(await found(), 'acme/0', { ...NEW_CURSOR, position: 8 }, buried);
    expect(await webhooks.deadLetters('acme', 'siem')).toMatchObject([
      { id: 'acme/0:7', type: 'RunOpened', attempts: 8, error: 'it answered 500' },
    ]);
    expect(await webhooks.totals()).toMatchObject({ dead: 1 });
    expect(await deliveries.isFull('acme', 'siem')).toBe(false);
    await deliveries.unbury({ ...(await found()), version: '0' }, 'acme/0', 7); // sent to what its address was before
    expect(await webhooks.deadLetters('acme', 'siem')).toHaveLength(1);
    await deliveries.unbury(await found(), 'acme/0', 7);
    expect(await webhooks.deadLetters('acme', 'siem')).toEqual([]);
  });

  it('let the former secrets sign too until their ends, also if a rotation is repeated', async () => {
    const secretsOf = async () => (await deliveries.find('acme', 'siem'))?.secrets.map(({ sealed }) => sealed);
    const until = await webhooks.rotate('acme', 'siem', { sealed: 'second' }, 3_600_000);
    expect(Date.parse(until ?? '')).toBeGreaterThan(0);
    await webhooks.rotate('acme', 'siem', { sealed: 'third' }, 0);
    expect(await secretsOf()).toEqual(['third', 'second', 'sealed']);
    expect((await deliveries.find('acme', 'siem'))?.secrets[2]?.until).toBe(until);
    await webhooks.rotate('acme', 'siem', { sealed: 'fourth' }, 0);
    expect(await secretsOf()).toEqual(['fourth', 'third', 'sealed']); // the second one has ended
    expect(await webhooks.rotate('acme', 'none', SECRET, 0)).toBeUndefined();
  });

  it('record nothing of an attempt with settings that were replaced since, nor disable the webhook for it', async () => {
    const former = await found();
    await webhooks.save(save('acme', 'siem', { secret: undefined, url: 'https://siem.example/moved' }));
    const before = await deliveries.cursor('acme', 'siem', 'acme/0');
    const failed = { ...before, attempts: 8, nextAt: 9, error: 'it answered 410' };
    const buried = { position: 8, type: 'RunOpened', attempts: 8, error: 'it answered 410' };
    expect(await deliveries.save(former, 'acme/0', failed, buried)).toBe(false);
    await deliveries.disable(former, 'the endpoint answered 410 Gone');
    expect(await deliveries.cursor('acme', 'siem', 'acme/0')).toEqual(before);
    expect((await webhooks.list('acme', 'siem'))[0]).toMatchObject({ enabled: true, deadLetters: 0 });
  });

  it('notice a change whose transaction ends after that of a later one', async () => {
    const change = "UPDATE webhook SET version = nextval('webhook_version_seq') WHERE tenant = 'acme' AND name = $1";
    await webhooks.save(save('acme', 'second'));
    const slow = new Client({ connectionString: database.url });
    await slow.connect();
    await slow.query('BEGIN');
    await slow.query(change, ['siem']);
    await query(database.url, change, ['second']);
    const before = await deliveries.version();
    await slow.query('COMMIT');
    expect(await deliveries.version()).not.toBe(before);
    await slow.end();
    await webhooks.remove('acme', 'second');
  });

  it('disable a webhook with the reason, until an administrator saves it again', async () => {
    await deliveries.disable(await found(), 'it is gone');
    expect((await webhooks.list('acme', 'siem'))[0]).toMatchObject({
      enabled: false,
      disabled: { reason: 'it is gone' },
    });
    expect(await deliveries.targets()).toEqual([]);
    await webhooks.save(save('acme', 'siem', { secret: undefined }));
    expect(await deliveries.targets()).toMatchObject([{ tenant: 'acme', name: 'siem', types: undefined }]);
  });

  it('let one process send at a time, and the next one as soon as its connection has ended', async () => {
    const next = new WebhookDeliveries(await database.as('ledger'));
    expect([await deliveries.hold(), await next.hold()]).toEqual([true, false]);
    await expect(next.save(await found(), 'acme/0', NEW_CURSOR)).rejects.toThrow('does not send');
    await deliveries.close();
    expect(await next.hold()).toBe(true);
    deliveries = next;
  });

  it('keep callbacks for exactly the address of an enabled webhook for callbacks, until the first event that ends them', async () => {
    const url = 'https://pep.example/callbacks';
    await webhooks.save(save('acme', 'pep', { url, callbacks: true }));
    const approval = `apr_0_${'0'.repeat(26)}`;
    const add = (endpoint: string, state?: string, tenant = 'acme') =>
      webhooks.addCallback({ tenant, approval, statusEndpoint: 'x', callback: { endpoint, ...(state && { state }) } });
    expect([await add(`${url}/`), await add('https://siem.example/'), await add(url, 'a', 'other')]).toEqual([
      false,
      false,
      false,
    ]);
    expect([await add(url, 'a'), await add(url, 'b')]).toEqual([true, true]);
    expect(await deliveries.callback('acme', 'pep', approval)).toMatchObject({ state: 'b', position: undefined });
    expect(await deliveries.waitingCallbacks('acme', 'pep')).toEqual([approval]);
    await deliveries.endCallback('acme', 'pep', approval, { log: 'acme/0', position: 5, status: 'cancelled' });
    await deliveries.endCallback('acme', 'pep', approval, { log: 'acme/0', position: 8, status: 'approved' });
    expect(await deliveries.callback('acme', 'pep', approval)).toMatchObject({ position: 5 });
    expect(await deliveries.waitingCallbacks('acme', 'pep')).toEqual([]);
    expect(await deliveries.endedCallbacks('acme', 'pep', 'acme/0', 5)).toMatchObject([
      { approval, endedAs: 'cancelled' },
    ]);
    for (const [log, position] of [
      ['acme/0', 8],
      ['acme/1', 5],
    ] as const)
      expect(await deliveries.endedCallbacks('acme', 'pep', log, position)).toEqual([]);
    expect(await deliveries.callback('other', 'pep', approval)).toBeUndefined();
    await webhooks.save(save('acme', 'pep', { url, callbacks: true, enabled: false }));
    expect(await add(url)).toBe(false);
    await webhooks.remove('acme', 'pep');
  });

  it('forget the oldest callbacks that were notified, and none whose event is still to be delivered', async () => {
    const url = 'https://pep.example/callbacks';
    await webhooks.save(save('acme', 'pep', { url, callbacks: true }));
    const most = LIMITS.webhooks.notifiedCallbacks;
    await query(
      database.url,
      `INSERT INTO webhook_callback (tenant, name, approval, status_endpoint, position, ended_log, asked_at)
       SELECT 'acme', 'pep', 'apr_0_' || n, 'x', n, 'acme/0', now() - (n || ' seconds')::interval
       FROM generate_series(1, $1::int) AS n`,
      [most + 20],
    );
    await query(
      database.url,
      `UPDATE webhook_cursor SET position = $1 WHERE (tenant, name, log) = ('acme', 'pep', 'acme/0')`,
      [most + 10], // the events after it are not delivered
    );
    const approval = `apr_0_${'0'.repeat(26)}`;
    await webhooks.addCallback({ tenant: 'acme', approval, statusEndpoint: 'x', callback: { endpoint: url } });
    const kept = await query<{ approval: string }>(
      database.url,
      "SELECT approval FROM webhook_callback WHERE tenant = 'acme' ORDER BY asked_at",
    );
    expect(kept.map((each) => each.approval).slice(0, 12)).toEqual([
      ...Array.from({ length: 11 }, (_, i) => `apr_0_${most + 20 - i}`),
      `apr_0_${most}`,
    ]);
    await webhooks.remove('acme', 'pep');
  });

  it('remove a webhook with all that was stored of it: what its sender saves later has no effect', async () => {
    const removed = await found();
    expect([await webhooks.remove('other', 'siem'), await webhooks.remove('acme', 'siem')]).toEqual([false, true]);
    const buried = { position: 1, type: 'RunOpened', attempts: 8, error: 'x' };
    expect(await deliveries.save(removed, 'acme/0', { ...NEW_CURSOR, position: 8 }, buried)).toBe(false);
    expect([await webhooks.list('acme'), await webhooks.deadLetters('acme', 'siem')]).toEqual([[], []]);
  });

  it('register as many webhooks of a tenant as it may have, and none without a secret', async () => {
    expect(await webhooks.save(save('full', 'none', { secret: undefined }))).toBeUndefined();
    for (let i = 0; i < LIMITS.webhooks.perTenant; i++) await webhooks.save(save('full', `w${i}`));
    expect(await webhooks.save(save('full', 'more'))).toBeUndefined();
    expect(await webhooks.save(save('full', 'w0'))).toBe(false);
  });
});
