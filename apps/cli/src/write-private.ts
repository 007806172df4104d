import { renameSync, writeFileSync } from 'node:fs';

/** Writes a file atomically; a partial file of keys would lock every client out. */
export function writePrivate(file: string, text: string): void {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, text, { mode: 0o600 });
  renameSync(fresh, file);
}
