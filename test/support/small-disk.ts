import { spawnSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { scratch } from './servers';

export interface SmallDisk {
  readonly dir: string;
  remove(): void;
}

/** Mounts a small disk for one test; undefined if that is not permitted, since only root may mount one. */
export function smallDisk(megabytes: number): SmallDisk | undefined {
  const dir = scratch();
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', dir]);
  if (mount.status !== 0) {
    rmSync(dir, { recursive: true });
    console.warn('SKIPPED: the test of a full disk, because only root may mount a small disk');
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

/** Writes to a file until the disk is full. */
export function fill(file: string): void {
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
