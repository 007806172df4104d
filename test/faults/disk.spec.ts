import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { scratch } from '../support/servers';
import { Stack, until } from '../support/stack';
import { Permits } from './permits';

const MEGABYTES = 256;

/** A small disk of a test's own: only root may make one. */
function smallDisk(): { dir: string; remove(): void } | undefined {
  const dir = scratch();
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m,mode=755`, 'tmpfs', dir]);
  if (mount.status !== 0) {
    rmSync(dir, { recursive: true });
    return undefined;
  }
  return {
    dir,
    remove() {
      spawnSync('umount', [dir]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Takes all the room there is. */
function fill(file: string): void {
  const handle = openSync(file, 'w');
  try {
    for (const bytes of [1 << 20, 1 << 12]) {
      try {
        for (;;) writeSync(handle, Buffer.alloc(bytes, 1));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(handle);
  }
}

const disk = smallDisk();
afterAll(() => disk?.remove());
if (!disk) console.warn('the test of a full disk is skipped: only root may mount a small one');

(disk ? describe : describe.skip)('a disk that is full, and has room again', () => {
  let stack: Stack;
  let permits: Permits;
  beforeAll(async () => {
    stack = await Stack.start({}, ['--delegations', '2'], disk?.dir);
    permits = await Permits.under(stack);
  }, 120_000);
  afterAll(async () => {
    await permits.stop();
    await stack.down();
  });

  it('refuses what it cannot write, loses nothing, and goes on by itself', async () => {
    await permits.goOn();
    const ballast = join(stack.dataDir, 'ballast');
    fill(ballast);
    const { refused } = permits;
    await until('requests to be refused', () => permits.refused >= refused + 20, 60_000);
    rmSync(ballast);
    await permits.goOn();
    expect(await permits.end()).toEqual([]);
    expect(stack.status().services.filter(({ restarts }) => restarts > 0)).toEqual([]);
  }, 240_000);
});
