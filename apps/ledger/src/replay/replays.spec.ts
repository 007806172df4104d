import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Client } from 'pg';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { LIMITS } from '@bailiwick/core/limits';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { eventLogDatabase, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { toAppend, until } from '../testing/bench';
import { Replays, type ReplayReport } from './replays';
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
/** Blocks reads of events until `release`, so that a what-if keeps running. */
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
/** Creates Replays with a real thread that runs the sources of the worker. */
const create = (unaskedMs?: number): Replays =>
  (replays = new Replays(
    database.url,
    (message, cause) => warnings.push(`${message}: ${String(cause)}`),
    unaskedMs,
    thread,
  ));
const startJob = (log = MINE): string =>
  replays.start('default', { log, request: { change: {} }, to: last, rules: [], policies: [] });
const poll = (id: string): ReturnType<Replays['ask']> => replays.ask('default', id);
const waits = { ok: true, value: { progress: { done: 0, total: expect.any(Number) as number } } };
const refused = (code: string): object => ({ ok: false, refusal: { code, detail: expect.any(String) as string } });

/** Polls until there is a result, as the gateway does. */
async function answer(id: string): Promise<unknown> {
  for (;;) {
    const response = await poll(id);
    if (!response.ok) return response;
    if ('answer' in (response.value as ReplayReport)) return (response.value as { answer: unknown }).answer;
  }
}
const unchanged = { differ: 0 };

/** Waits for the one thread that runs, other than `before`. */
async function running(before?: Worker): Promise<Worker> {
  await until(() => threads.size > 0 && !threads.has(before as Worker));
  expect(threads.size).toBe(1);
  return [...threads][0] as Worker;
}

describe('Replays', () => {
  it('runs one what-if at a time, queues a few, and refuses the rest at once', async () => {
    create();
    const all = Array.from({ length: 1 + LIMITS.replaysWaiting }, () => startJob());
    await running();
    expect(await poll(startJob())).toEqual({
      ok: false,
      refusal: {
        code: 'TOO_MANY',
        detail: `a what-if of ${MINE} is running, and others wait for it; try again shortly`,
      },
    });
    await release();
    // all at once: one that no client polls is cancelled
    expect(await Promise.all(all.map(answer))).toMatchObject(all.map(() => unchanged));
    expect(await poll(all[0] as string)).toEqual(refused('NOT_READY')); // a result is returned once
  });

  it('ends a cancelled what-if and starts the next one', async () => {
    create();
    const [first, second] = [startJob(), startJob()];
    const thread = await running();
    replays.cancel('other', first); // another tenant cannot cancel it (I9)
    expect(await replays.ask('other', first)).toEqual(refused('NOT_READY'));
    expect(await poll(first)).toEqual(waits);
    replays.cancel('default', first);
    await running(thread);
    expect(await poll(first)).toEqual(refused('NOT_READY'));
    await release();
    expect(await answer(second)).toMatchObject(unchanged);
  });

  it.each([
    ['of the same log', MINE],
    ['of another log', THEIRS],
  ])('frees the place of a cancelled what-if that waits for one %s', async (_which, log) => {
    create();
    const first = startJob();
    const thread = await running();
    const fill = (i: number): string => startJob(log === MINE ? log : `log${i}/0`);
    const waiting = Array.from({ length: LIMITS.replaysWaiting }, (_, i) => fill(i));
    expect(await poll(fill(100))).toEqual(refused('TOO_MANY'));
    replays.cancel('default', waiting[1] as string);
    const late = fill(101);
    expect(await poll(late)).toEqual(waits);
    expect(await poll(fill(102))).toEqual(refused('TOO_MANY'));
    expect([...threads]).toEqual([thread]);
    await release();
    for (const id of waiting) replays.cancel('default', id);
    for (const id of [first, late]) expect(await answer(id)).toMatchObject(unchanged);
  });

  it('cancels what-ifs that no client polls, including queued ones', async () => {
    create(1);
    const all = [startJob(), startJob(), startJob()];
    await running();
    await until(() => threads.size === 0);
    for (const id of all) expect(await poll(id)).toEqual(refused('NOT_READY'));
  });
});
