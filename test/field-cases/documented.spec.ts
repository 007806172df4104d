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

  it('names for every case a test file that exists, and a title that is in it', () => {
    const wrong = rows.flatMap(([name = '', , , , test = '']) => {
      const [file = '', ...title] = test.replaceAll('`', '').split(' › ');
      const path = join(ROOT, file);
      if (!existsSync(path)) return [`${name}: ${file} does not exist`];
      const text = readFileSync(path, 'utf8').replace(/\s+/g, ' ');
      const missing = title.filter((part) => !text.includes(part.replaceAll('\\|', '|').replace(/\s+/g, ' ')));
      return missing.map((part) => `${name}: ${file} has no title ${part}`);
    });
    expect(wrong).toEqual([]);
  });
});
