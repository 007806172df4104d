import { appendFileSync, existsSync, readFileSync } from 'node:fs';

// A retiring key names its successor in a signed note. The file holds one note per JSON line; none of them is secret.

/** Returns the notes, oldest first. */
export function readHandovers(file: string): string[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as string);
}

export function addHandover(file: string, note: string): void {
  appendFileSync(file, `${JSON.stringify(note)}\n`, { mode: 0o600 });
}
