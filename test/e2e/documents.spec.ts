import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { Stack } from '../support/stack';

const ROOT = resolve(__dirname, '..', '..');
const PAGES = [
  'orchestrators',
  'approvers',
  'on-call',
  'analysts',
  'operators',
  'tool-owners',
  'subscribers',
  'shared-signals',
  'policy',
  'adopt',
];
const NOT_DONE = /^(deny|step-up)\b/;

interface Step {
  readonly command: string;
  /** the first line of output that the page shows */
  readonly shown: string | undefined;
}

/** Returns the commands in the console blocks of a page, each with its sample output. */
function stepsOf(page: string): Step[] {
  const text = readFileSync(join(ROOT, 'docs', `${page}.md`), 'utf8');
  return [...text.matchAll(/^```console\n([^]*?)^```$/gm)].flatMap(([, block]) =>
    (block as string)
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', shown] = part.trim().split('\n');
        return { command, shown };
      }),
  );
}

/** Returns the stable parts of a line: no ids, digests or white space. */
const wordsOf = (line: string): string =>
  line
    .replace(/\b[a-z]{3}_0_[0-9a-z]+/g, '')
    .replace(/eyJ\S+|"default\/0":\d+/g, '')
    .replace(/\s+/g, ' ')
    .trim();

describe('the commands of the pages in docs/', () => {
  let stack: Stack;
  let dir: string;
  beforeAll(async () => {
    stack = await Stack.start();
    dir = mkdtempSync(join(tmpdir(), 'bailiwick-documents-'));
    mkdirSync(join(dir, 'bin'));
    for (const name of ['libs', 'docs']) symlinkSync(join(ROOT, name), join(dir, name)); // pages name files of the repository
    const cli = [process.execPath, ...BUILT_FLAGS, join(ROOT, 'bin', 'bailiwick.mjs')].map((each) => `'${each}'`);
    writeFileSync(join(dir, 'bin', 'npx'), `#!/bin/sh\nshift\nexec ${cli.join(' ')} "$@"\n`, { mode: 0o755 });
  }, 240_000);
  afterAll(async () => {
    await stack.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const run = (command: string): Promise<{ code: number | null; out: string }> =>
    new Promise((done) => {
      const env = {
        ...process.env,
        PATH: `${join(dir, 'bin')}${delimiter}${process.env.PATH ?? ''}`,
        BAILIWICK_DATA: stack.dataDir,
      };
      const child = spawn('sh', ['-c', command], { cwd: dir, env });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.once('close', (code) => done({ code, out }));
    });

  it.each(PAGES)(
    'docs/%s.md shows commands that produce the output it shows',
    async (page) => {
      const latest = new Map<string, string>();
      const steps = stepsOf(page);
      expect(steps.length).toBeGreaterThanOrEqual(3);
      for (const { command, shown } of steps) {
        const filled = command.replace(
          /\b([a-z]{3})_0_…/g,
          (placeholder, kind: string) => latest.get(kind) ?? placeholder,
        );
        const { code, out } = await run(filled);
        const isNotDone = NOT_DONE.test(shown ?? '');
        expect([filled, code, out]).toEqual([filled, isNotDone ? 1 : 0, out]);
        for (const [id, kind] of [...out.matchAll(/\b([a-z]{3})_0_[0-9a-z]{26}/g)].map(([all, k]) => [all, k] as const))
          latest.set(kind as string, id);
        if (shown !== undefined && shown !== '')
          expect([filled, out.split('\n').map(wordsOf)]).toEqual([filled, expect.arrayContaining([wordsOf(shown)])]);
      }
    },
    240_000,
  );
});
