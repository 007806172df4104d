import { Worker } from 'node:worker_threads';
import { SnapshotThread } from './snapshot-thread';
import type { SnapshotJob } from './snapshot-worker';

/** Reports the size that its job is named after; some names are those of other cases. */
const WORKER = `
  const { parentPort } = require('node:worker_threads');
  let jobs = 0;
  parentPort.on('message', async ({ log }) => {
    jobs += 1;
    if (log === 'fails') throw new Error('no store');
    if (log === 'warns') parentPort.postMessage({ warning: 'an event cannot be read' });
    if (log !== 'hangs') parentPort.postMessage({ position: jobs, chars: Number(log) || 0 });
  });`;

let threads: Worker[];
let thread: SnapshotThread;
beforeEach(() => {
  threads = [];
  thread = new SnapshotThread(() => {
    const worker = new Worker(WORKER, { eval: true });
    threads.push(worker);
    return worker;
  });
});
afterEach(() => thread.stop());

const warnings: string[] = [];
const take = (log: string, isFresh = false) =>
  thread.take({ log, databaseUrl: '', atLeast: 1, hurryFrom: 1 } satisfies SnapshotJob, isFresh, (warning) =>
    warnings.push(warning),
  );

describe('the thread of snapshots', () => {
  it('takes the next snapshot as well, and passes warnings on', async () => {
    expect(await take('100')).toEqual({ position: 1, chars: 100 });
    expect(await take('warns')).toEqual({ position: 2, chars: 0 });
    expect(warnings).toEqual(['an event cannot be read']);
    expect(threads).toHaveLength(1);
  });

  it('gives the memory of a large snapshot back', async () => {
    await take(String(33 * 1024 * 1024));
    expect(await take('1')).toEqual({ position: 1, chars: 1 });
    expect(threads).toHaveLength(2);
  });

  it('is another one for a snapshot at full speed, and for the next after it', async () => {
    await take('1');
    expect(await take('2', true)).toEqual({ position: 1, chars: 2 });
    expect(await take('3')).toEqual({ position: 1, chars: 3 });
    expect(threads).toHaveLength(3);
  });

  it('is started again after a failure', async () => {
    await take('1');
    await expect(take('fails')).rejects.toThrow('no store');
    expect(await take('2')).toEqual({ position: 1, chars: 2 });
  });

  it('fails a snapshot in progress when it is stopped', async () => {
    const taking = take('hangs');
    await thread.stop();
    await expect(taking).rejects.toThrow('stopped');
  });
});
