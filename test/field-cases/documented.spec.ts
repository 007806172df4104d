import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `docs/field-cases.md` lists every case that was tried and names its test; checks that the test exists. */
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
  it('has five non-empty columns in every row', () => {
    expect(rows.length).toBeGreaterThan(40);
    expect(rows.filter((cells) => cells.length !== 5 || cells.includes(''))).toEqual([]);
  });

  it('names an existing test file for every case, or states that it has no test', () => {
    const wrong = rows.flatMap(([name = '', , , , test = '']) => {
      const files = test.match(/(?:apps|libs|test)\/[\w./-]+\.(?:spec|contract)\.ts/g) ?? [];
      if (files.length === 0 && !test.includes('no test')) return [`${name}: no test file in ${test}`];
      return files.filter((file) => !existsSync(join(ROOT, file))).map((file) => `${name}: ${file} does not exist`);
    });
    expect(wrong).toEqual([]);
  });
});
