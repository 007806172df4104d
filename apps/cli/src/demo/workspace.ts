import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';

/** The root of this checkout: the directory the agents of the demo get a copy of. */
export const projectRoot = (): string => {
  for (let dir = __dirname; ; dir = resolve(dir, '..')) {
    if (existsSync(join(dir, 'package.json')) && existsSync(join(dir, 'libs'))) return dir;
    if (dir === resolve(dir, '..')) throw new Error('the demo works on a copy of this repository, and cannot find it');
  }
};

const LEFT_OUT = new Set(['node_modules', '.git', 'dist', '.bailiwick', 'coverage']);

/** A scratch copy of this repository with a made-up secret in it. The secret is worthless; the files are real. */
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
