import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '@bailiwick/core/clock';

/** A change takes milliseconds, so the holder of a lock of this age has died. */
const STALE_MS = 10_000;
const WAIT_MS = 2_000;
const RETRY_MS = 5;

/** Another process holds the lock of a file. */
export class FileLockedError extends Error {}

/**
 * Replaces a whole file with the result of `change`, one process at a time. If the process dies before the rename, the
 * file is unchanged, and another process takes over the lock after `STALE_MS`. After the rename the new file is durable,
 * even through a power failure.
 * @throws FileLockedError if another process holds the lock; or the error of `change`, with the file unchanged
 */
export function changeFile(file: string, change: (text: string | undefined) => string): void {
  const unlock = lock(`${file}.lock`);
  try {
    const text = change(existsSync(file) ? readFileSync(file, 'utf8') : undefined);
    const fresh = `${file}.${randomUUID()}`;
    const opened = openSync(fresh, 'wx', 0o600);
    try {
      writeFileSync(opened, text);
      fsyncSync(opened);
    } finally {
      closeSync(opened);
    }
    renameSync(fresh, file);
    const folder = openSync(dirname(file), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  } finally {
    unlock();
  }
}

function lock(path: string): () => void {
  const me = randomUUID();
  const end = performance.now() + WAIT_MS;
  for (;;) {
    try {
      writeFileSync(path, me, { flag: 'wx', mode: 0o600 });
      return () => {
        if (existsSync(path) && readFileSync(path, 'utf8') === me) unlinkSync(path);
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    removeStaleLock(path);
    if (performance.now() > end)
      throw new FileLockedError(`another process is changing ${path.replace(/\.lock$/, '')}; try again`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
  }
}

/** Takes away an old lock by a rename, which succeeds in one process only. Removing the path could hit a new lock. */
function removeStaleLock(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat || systemClock.now() - stat.mtimeMs < STALE_MS) return;
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    unlinkSync(aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
