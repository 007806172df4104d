import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `docs/field-cases.md` lists every case that was tried; each names the test that holds it, and the test exists. */
const ROOT = join(__dirname, '..', '..');
const page = readFileSync(join(ROOT, 'docs', 'field-cases.md'), 'utf8');

/** Rows of its tables: case, source, before, now, test (`file › part of a title`). */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (case|-+)/.test(line))
  .map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

describe('docs/field-cases.md', () => {
  it('has five columns in every row, and leaves none empty', () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter((cells) => cells.length !== 5 || cells.includes(''))).toEqual([]);
  });

  it('names for every case a test file that exists, or states that there is no test', () => {
    const wrong = rows.flatMap(([name = '', , , , test = '']) => {
      const files = test.match(/(?:apps|libs|test)\/[\w./-]+\.(?:spec|contract)\.ts/g) ?? [];
      if (files.length === 0 && !test.includes('no test')) return [`${name}: no test file in ${test}`];
      return files.filter((file) => !existsSync(join(ROOT, file))).map((file) => `${name}: ${file} does not exist`);
    });
    expect(wrong).toEqual([]);
  });
});
