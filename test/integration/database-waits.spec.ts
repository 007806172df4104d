import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { Bodies } from '@bailiwick/event-store/postgres/bodies';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { PostgresImports } from '@bailiwick/event-store/postgres/imports';
import { PostgresPayloads } from '@bailiwick/event-store/postgres/payloads';
import { LIMITS } from '@bailiwick/core/limits';
import { IntentStore } from '../../apps/intent/src/monitor/intent-store';
import { RebuildStore } from '../../apps/ledger/src/read-models/rebuild/store';
import { LedgerStore } from '../../apps/ledger/src/read-models/store';
import { eventLogDatabase, type EventLogDatabase } from '../support/eventlog-database';
import { wireTo } from '../support/eventlog-wire';

interface Opened {
  ask(): Promise<unknown>;
  close(): Promise<unknown>;
}
type Open = (url: string) => Opened | Promise<Opened>;

/** Every database connection that a service opens, with one query on each (issue 13.18). */
const POOLS: Record<string, Open> = {
  'the event log': (url) => {
    const log = new PostgresEventLog(url);
    return { ask: () => log.head('default/0'), close: () => log.close() };
  },
  'the leases': (url) => {
    const log = new PostgresEventLog(url);
    return { ask: () => log.heartbeat('owner', 1_000), close: () => log.close() };
  },
  'the health probe': (url) => {
    const log = new PostgresEventLog(url);
    const ask = async (): Promise<void> => {
      if (!(await log.ping(200))) throw new Error('away');
    };
    return { ask, close: () => log.close() };
  },
  'payloads and erasures': (url) => {
    const payloads = new PostgresPayloads(url);
    return { ask: () => payloads.openedFor('default/0', 'ref', 1), close: () => payloads.close() };
  },
  imports: (url) => {
    const imports = new PostgresImports(url);
    return { ask: () => imports.started('default'), close: () => imports.close() };
  },
  'pages of bodies': (url) => {
    const bodies = new Bodies(url);
    const ask = async (): Promise<void> => {
      for await (const page of bodies.pages({ log: 'default/0', to: 10 })) expect(page).toBeDefined();
    };
    return { ask, close: () => bodies.close() };
  },
  'the monitor': async (url) => {
    const store = await IntentStore.open(url);
    return { ask: () => store.since('default/0'), close: () => store.close() };
  },
  'the ledger': async (url) => {
    const store = await LedgerStore.open(url);
    return { ask: () => store.position('default/0'), close: () => store.close() };
  },
};

const limits = LIMITS as { databaseMs: number; databaseLongMs: number };
const settledIn = (work: Promise<unknown>): Promise<string> =>
  Promise.race([
    work.then(
      () => 'answered',
      () => 'refused',
    ),
    new Promise<string>((done) => setTimeout(() => done('still waits'), 10_000).unref()),
  ]);

describe('a database that accepts connections and never responds', () => {
  let silent: Server;
  const sockets: Socket[] = [];
  let url: string;
  let database: EventLogDatabase;
  beforeAll(async () => {
    silent = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    url = `postgres://user:secret@127.0.0.1:${(silent.address() as AddressInfo).port}/bailiwick`;
    database = await eventLogDatabase();
  }, 120_000);
  beforeEach(() => {
    jest.replaceProperty(limits, 'databaseMs', 300);
    jest.replaceProperty(limits, 'databaseLongMs', 300);
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((done) => silent.close(done));
    await database.drop();
  });

  it.each(Object.entries(POOLS))('times out at connection time in %s', async (_name, open) => {
    let opened: Opened | undefined;
    const asking = Promise.resolve(open(url)).then((each) => (opened = each).ask());
    expect(await settledIn(asking)).toBe('refused');
    for (const socket of sockets.splice(0)) socket.destroy();
    await opened?.close();
  });

  it('times out at connection time in a rebuild of read models', async () => {
    expect(await settledIn(RebuildStore.begin(url, 'default/0'))).toBe('refused');
  });

  it.each(Object.entries(POOLS))('times out during a query in %s', async (_name, open) => {
    const wire = await wireTo(database.url);
    const opened = await open(wire.url);
    await opened.ask().catch(() => undefined); // connected; an error about a missing table is a response, too
    wire.hush();
    expect(await settledIn(opened.ask())).toBe('refused');
    await wire.close();
    await opened.close();
  });

  it('has a time limit in every source that opens a connection', () => {
    const root = resolve(__dirname, '..', '..');
    const files = ['apps', 'libs', 'tools'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.includes('testing/'))
        .map((file) => join(folder, file)),
    );
    const makes = /new (Pool|DataSource)\(|new Client\(\{\s*connectionString/;
    const without = files.filter((file) => {
      const text = readFileSync(join(root, file), 'utf8');
      return makes.test(text) && !text.includes('databaseWaits(');
    });
    // a migration has no time limit, except for its connection
    expect(without).toEqual(['libs/event-store/src/migrations/run.ts']);
  });
});
