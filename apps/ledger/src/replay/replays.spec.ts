import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Client } from 'pg';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { LIMITS } from '@bailiwick/core/limits';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { eventLogDatabase, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { toAppend, until } from '../testing/bench';
import { Replays, type ReplayTold } from './replays';
import type { WhatIfJob } from './what-if-worker';

const [MINE, THEIRS] = ['default/0', 'other/0'];
const FROM_SOURCES = [
  resolve(__dirname, '../../../../test/support/register.cjs'),
  resolve(__dirname, 'what-if-worker.ts'),
]
  .map((file) => `require(${JSON.stringify(file)});`)
  .join('');

let database: EventLogDatabase;
let lock: Client;
let last: number;
let replays: Replays;
const warnings: string[] = [];

beforeAll(async () => {
  database = await eventLogDatabase();
  const eventlog = new PostgresEventLog(database.url);
  const { log } = busyRun();
  await eventlog.createLog(MINE);
  await eventlog.append(MINE, 0, toAppend(log));
  await eventlog.close();
  last = log.events.length - 1;
}, 120_000);
afterAll(() => database.drop());
/** No event can be read until `release`: what runs keeps running. */
beforeEach(async () => {
  lock = new Client({ connectionString: database.url });
  await lock.connect();
  await lock.query('BEGIN; LOCK TABLE event IN ACCESS EXCLUSIVE MODE');
});
afterEach(async () => {
  await lock.end();
  await replays.onApplicationShutdown();
  expect(warnings).toEqual([]);
});
const release = (): Promise<unknown> => lock.query('ROLLBACK');

const threads = new Set<Worker>();
function thread(workerData: WhatIfJob): Worker {
  const worker = new Worker(FROM_SOURCES, { eval: true, workerData });
  threads.add(worker);
  return worker.once('exit', () => threads.delete(worker));
}
/** The real thing, on the worker's sources. */
const made = (unaskedMs?: number): Replays =>
  (replays = new Replays(
    database.url,
    (message, cause) => warnings.push(`${message}: ${String(cause)}`),
    unaskedMs,
    thread,
  ));
const begin = (log = MINE): string => replays.start('default', { log, request: { change: {} }, to: last, rules: [] });
const asked = (id: string): ReturnType<Replays['ask']> => replays.ask('default', id);
const waits = { ok: true, value: { progress: { done: 0, total: expect.any(Number) as number } } };
const refused = (code: string): object => ({ ok: false, refusal: { code, detail: expect.any(String) as string } });

/** Asks until there is an answer, as a gateway does. */
async function answer(id: string): Promise<unknown> {
  for (;;) {
    const told = await asked(id);
    if (!told.ok) return told;
    if ('answer' in (told.value as ReplayTold)) return (told.value as { answer: unknown }).answer;
  }
}
const unchanged = { differ: 0 };

/** The one thread there is, once it is another than `before`. */
async function running(before?: Worker): Promise<Worker> {
  await until(() => threads.size > 0 && !threads.has(before as Worker));
  expect(threads.size).toBe(1);
  return [...threads][0] as Worker;
}

describe('what-ifs', () => {
  it('are made one at a time, a few wait, and the rest are told at once to come back', async () => {
    made();
    const all = Array.from({ length: 1 + LIMITS.replaysWaiting }, () => begin());
    await running();
    expect(await asked(begin())).toEqual({
      ok: false,
      refusal: {
        code: 'TOO_MANY',
        detail: `a what-if of ${MINE} is being made, and others wait for it; try again shortly`,
      },
    });
    await release();
    for (const id of all) expect(await answer(id)).toMatchObject(unchanged);
    expect(await asked(all[0] as string)).toEqual(refused('NOT_READY')); // what was told once is kept no longer
  });

  it('are ended where whoever asked has gone, and the next has the thread', async () => {
    made();
    const [first, second] = [begin(), begin()];
    const thread = await running();
    replays.cancel('other', first); // another tenant's: nothing happens (I9)
    expect(await replays.ask('other', first)).toEqual(refused('NOT_READY'));
    expect(await asked(first)).toEqual(waits);
    replays.cancel('default', first);
    await running(thread);
    expect(await asked(first)).toEqual(refused('NOT_READY'));
    await release();
    expect(await answer(second)).toMatchObject(unchanged);
  });

  it.each([
    ['of the same log', MINE],
    ['of another log', THEIRS],
  ])('that wait for one %s give up their place where whoever asked has gone', async (_which, log) => {
    made();
    const first = begin();
    const thread = await running();
    const fill = (i: number): string => begin(log === MINE ? log : `log${i}/0`);
    const waiting = Array.from({ length: LIMITS.replaysWaiting }, (_, i) => fill(i));
    expect(await asked(fill(100))).toEqual(refused('TOO_MANY'));
    replays.cancel('default', waiting[1] as string);
    const late = fill(101);
    expect(await asked(late)).toEqual(waits);
    expect(await asked(fill(102))).toEqual(refused('TOO_MANY'));
    expect([...threads]).toEqual([thread]);
    await release();
    for (const id of waiting) replays.cancel('default', id);
    for (const id of [first, late]) expect(await answer(id)).toMatchObject(unchanged);
  });

  it('are given up where nobody asks about them, those that wait as well', async () => {
    made(1);
    const all = [begin(), begin(), begin()];
    await running();
    await until(() => threads.size === 0);
    for (const id of all) expect(await asked(id)).toEqual(refused('NOT_READY'));
  });
});
