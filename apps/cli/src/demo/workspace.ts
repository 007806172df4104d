import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

/** Returns the root of this checkout, which the demo copies for its agents. */
const projectRoot = (): string => {
  for (let dir = __dirname; ; dir = resolve(dir, '..')) {
    if (existsSync(join(dir, 'package.json')) && existsSync(join(dir, 'libs'))) return dir;
    if (dir === resolve(dir, '..')) throw new Error('the demo needs a clone of the repository, and finds none');
  }
};

const LEFT_OUT = new Set(['node_modules', '.git', 'dist', '.bailiwick', 'coverage']);

/** Makes a temporary copy of this repository with a fake secret in it. */
export function makeWorkspace(): { dir: string; remove(): void } {
  const root = projectRoot();
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'bailiwick-demo-')));
  cpSync(root, dir, {
    recursive: true,
    filter: (source) =>
      !LEFT_OUT.has(basename(source)) && (statSync(source).isDirectory() || statSync(source).size < 1_000_000),
  });
  mkdirSync(join(dir, 'docs'), { recursive: true });
  mkdirSync(join(dir, 'config'), { recursive: true });
  writeFileSync(join(dir, 'config', '.env'), 'PAYMENT_API_KEY=demo-not-a-real-key-0000\n', { mode: 0o600 });
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
