import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { MUTATIONS } from './mutations';

/** Runs in a separate process that loads the sources with one broken rule. `--mutations` without `--often` runs all of them. */
describe('the simulation of a system with a broken rule', () => {
  const quick = MUTATIONS.filter(({ often }) => often);

  it(`fails for each of ${quick.length} rules`, async () => {
    const root = resolve(__dirname, '..', '..');
    const register = 'test/support/register.cjs';
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--require', `./${register}`, 'test/simulation/run.ts', '--mutations', '--often'],
      { cwd: root, maxBuffer: 1e7 },
    );
    for (const { name } of quick) expect(stdout).toMatch(new RegExp(`caught by seed \\d+: ${escaped(name)}`));
  }, 120_000);

  it('finds the text of every mutation in the sources', () => {
    const root = resolve(__dirname, '..', '..');
    const files = ['apps', 'libs', 'test/simulation'].flatMap((dir) =>
      readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts') && !/\.spec\.ts$|mutations\.ts$/.test(file))
        .map((file) => readFileSync(join(root, dir, file), 'utf8')),
    );
    const missing = MUTATIONS.filter(({ from }) => !files.some((text) => text.includes(from)));
    expect(missing.map(({ name }) => name)).toEqual([]);
  });

  const escaped = (text: string): string => text.replace(/[()]/g, '\\$&');
});
