import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';

const BIN = resolve(__dirname, '..', '..', 'bin', 'bailiwick.mjs');

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line as built, to its end. */
export function bailiwick(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [...BUILT_FLAGS, BIN, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => done({ code, out, err }));
  });
}
