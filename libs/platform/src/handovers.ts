import { appendFileSync, existsSync, readFileSync } from 'node:fs';

// A key that goes says which one comes: a signed note each, in one file of JSON lines. Nothing in it is secret.

/** The notes, oldest first. */
export function readHandovers(file: string): string[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as string);
}

export function addHandover(file: string, note: string): void {
  appendFileSync(file, `${JSON.stringify(note)}\n`, { mode: 0o600 });
}
