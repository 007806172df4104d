/*
 * `npm run undo-mends`: reverts one fix after the other and expects its tests to fail. For fixes committed together with
 * their tests. Changes sources in place and restores them, also when interrupted.
 */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UNDONE, type Undone } from './undone';

const ROOT = resolve(__dirname, '..', '..');
let restore = (): void => undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    restore();
    process.exit(130);
  });

async function fails({ file, find, replace, spec }: Undone): Promise<boolean> {
  const path = join(ROOT, file);
  const source = readFileSync(path, 'utf8');
  restore = () => writeFileSync(path, source);
  try {
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
    const jest = join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
    const child = spawn(process.execPath, [jest, '--testTimeout=10000', '--bail', spec], {
      cwd: ROOT,
      stdio: 'ignore',
    });
    return (await new Promise<number | null>((done) => child.once('close', done))) !== 0;
  } finally {
    restore();
  }
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  for (const each of UNDONE) {
    if (wanted.length > 0 && !wanted.includes(each.number)) continue;
    const isFound = await fails(each);
    console.log(`${isFound ? 'fails ' : 'PASSES'} ${each.number.padEnd(6)} ${each.what} (${each.spec})`);
    if (!isFound) process.exitCode = 1;
  }
}

void main();
