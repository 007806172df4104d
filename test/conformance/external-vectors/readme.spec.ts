import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CORPORA, totals } from '../../vectors/table';
import { INEXPRESSIBLE, type Row } from '../../vectors/verdict';

const FOLDER = join(resolve(__dirname, '..', '..'), 'vectors');
const read = (...path: string[]): string => readFileSync(join(FOLDER, ...path), 'utf8');

describe('test/vectors/README.md', () => {
  const rows = CORPORA.map(({ name, rows }) => ({ name, rows: rows() }));

  it('has the table of what is decided', () => {
    const spaced = (text: string): string => text.replace(/ +\|/g, ' |').replace(/-+/g, '-');
    expect(spaced(read('README.md'))).toContain(spaced(totals(rows)));
  });

  it('has the same figures as docs/leases.md', () => {
    const all = rows.flatMap(({ rows: each }) => each);
    const count = (wanted: Row['outcome']) => all.filter(({ outcome }) => outcome === wanted).length;
    const page = readFileSync(join(FOLDER, '..', '..', 'docs', 'leases.md'), 'utf8');
    expect(page).toContain(`translates ${all.length} of them into leases and calls: ${count('right')} are decided as`);
    expect(page).toContain(`${count('inexpressible')} have no translation`);
    expect(page).toContain(`and ${count('outside')} are not about authority`);
  });

  it('counts those that are inexpressible, by reason', () => {
    const left = rows.flatMap(({ rows: each }) => each).filter(({ outcome }) => outcome === 'inexpressible');
    const counts = Object.keys(INEXPRESSIBLE).map(
      (reason) => left.filter(({ because }) => because[0] === reason).length,
    );
    expect(counts).toEqual([12, 0, 4]);
  });

  it.each(CORPORA)('$name states its source, its commit and its license', ({ name }) => {
    expect(existsSync(join(FOLDER, name, 'vectors.json'))).toBe(true);
    expect(read(name, 'README.md')).toMatch(/^- Source: `[\w-]+\/[\w-]+`, `[^`]+\.json`.*commit `[0-9a-f]{40}`/m);
    expect(read(name, 'README.md')).toMatch(/^- License: /m);
  });
});
