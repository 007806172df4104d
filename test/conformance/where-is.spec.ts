import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..', '..');
const ROW = /^\| (.+\?) \| (.+) \|$/;

/** Paths in backticks that start in a folder of the repository, without patterns and placeholders. */
const PATH = /`((?:apps|libs|tools|test|docs|scripts|bin)\/[\w./-]+)`/g;

/** The files of an answer; one without a file in backticks is an answer that does not exist. */
const filesIn = (answer: string): string[] => {
  const files = [...answer.matchAll(/`([^`]+)`/g)].map(([, file]) => file as string);
  return files.length > 0 ? files : [answer];
};

describe('docs/where-is.md', () => {
  const rows = readFileSync(join(ROOT, 'docs', 'where-is.md'), 'utf8')
    .split('\n')
    .map((line) => ROW.exec(line))
    .filter((match) => match !== null)
    .flatMap(([, question, answer]) => filesIn(answer as string).map((file) => [question as string, file] as const));

  it('answers at least twenty questions', () => {
    expect(rows.length).toBeGreaterThanOrEqual(20);
  });

  it.each(rows)('answers "%s" with a file that exists: %s', (_question, file) => {
    expect(existsSync(join(ROOT, file))).toBe(true);
  });
});

it.each(['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'docs/log-repair.md'])(
  '%s names only files and folders that exist',
  (document) => {
    const named = [...readFileSync(join(ROOT, document), 'utf8').matchAll(PATH)].map(([, path]) => path as string);
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  },
);
