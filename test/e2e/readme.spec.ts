import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { bailiwick } from '../support/cli';

const ROOT = resolve(__dirname, '..', '..');
const run = promisify(execFile);
const README = readFileSync(resolve(ROOT, 'README.md'), 'utf8');
const { scripts } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};

/** What runs a script that the README names: `.ci/run`, a test that runs the same program, or the arguments it is tried with here. */
const SCRIPTS: Readonly<Record<string, 'ci' | `test/${string}` | readonly string[]>> = {
  start: 'ci', // the smoke run starts it twice
  test: 'ci',
  lint: 'ci',
  typecheck: 'ci',
  deps: 'ci',
  format: 'ci',
  smoke: 'ci',
  'deps:graph': [],
  vectors: [],
  simulate: ['--seeds', '3'],
  chaos: 'test/e2e/chaos.spec.ts',
  soak: 'test/soak/run.spec.ts',
};
/** Benchmarks that download the software that they compare with, and are tried by people. */
const COMPARED = new Set(['decisions']);

/** All commands in backticks or in the first code block, such as `npm run lint`. */
const named = (pattern: RegExp): string[] => [
  ...new Set([...README.matchAll(pattern)].map(([, name]) => name as string)),
];

describe('the README', () => {
  it('names scripts that exist, each of which is run', () => {
    const list = /`npm run lint`, (.*?); `\.ci\/run`/s.exec(README)?.[1] ?? '';
    const short = [...list.matchAll(/`([a-z:]+)`/g)].map(([, name]) => name as string);
    const all = [...named(/npm run ([a-z:]+)/g), ...named(/^npm (start|test) /gm), ...short];
    expect(all.sort()).toEqual(Object.keys(SCRIPTS).sort());
    expect(all.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
    const elsewhere = Object.values(SCRIPTS).filter((each) => typeof each === 'string' && each !== 'ci') as string[];
    expect(elsewhere.filter((file) => !existsSync(resolve(ROOT, file)))).toEqual([]);
  });

  it.each(Object.entries(SCRIPTS).filter(([, how]) => typeof how !== 'string'))(
    'names `npm run %s`, which works',
    async (name, args) => {
      const { stdout } = await run('npm', ['run', '--silent', name, '--', ...(args as readonly string[])], {
        cwd: ROOT,
        maxBuffer: 1e8,
      });
      expect(stdout.trim()).not.toBe('');
    },
    240_000,
  );

  const benches = (/bench \[([a-z|]+)\]/.exec(README)?.[1] ?? '').split('|').filter((name) => !COMPARED.has(name));
  it.each(benches)(
    'names `bailiwick bench %s`, which prints its figures',
    async (name) => {
      const { code, out, err } = await bailiwick(['bench', name, '--rounds', '1', '--size', '300', '--json']);
      expect([code, err]).toEqual([0, expect.any(String)]);
      expect(out).toContain(`"${name}`);
    },
    240_000,
  );
});
