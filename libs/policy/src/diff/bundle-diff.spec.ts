import { compileCatalog } from '@bailiwick/authority/matching/catalog/compile';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { policyChanges, type CatalogChange, type PolicyChanges } from '@bailiwick/contracts/policy/policy-diff';
import { DEFAULT_BUNDLE } from '../default-catalog';
import { diffBundles, type Compared } from './bundle-diff';

const bundle = (value: PolicyBundle): Compared => {
  const compiled = compileCatalog(value.catalog ?? []);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return { value, catalog: compiled.value };
};
const catalogs = (before: CatalogEntry[], after: CatalogEntry[]): PolicyChanges =>
  diffBundles(bundle({ catalog: before }), bundle({ catalog: after }));
const entry = (name: string, more: Partial<CatalogEntry> = {}): CatalogEntry => ({
  match: [name],
  effects: ['write'],
  risk: 'medium',
  ...more,
});
const shown = ({ catalog }: PolicyChanges): [string, string, string][] =>
  catalog.items.map(({ name, change, direction }: CatalogChange) => [name, change, direction]);

describe('the difference of two bundles', () => {
  it('is empty for the same bundle, and fits its schema for any', () => {
    expect(diffBundles(DEFAULT_BUNDLE, DEFAULT_BUNDLE)).toEqual({
      same: true,
      catalog: { counts: { milder: 0, mixed: 0, stricter: 0, other: 0 }, items: [] },
      approvals: [],
      sections: [],
    });
    const all = diffBundles(DEFAULT_BUNDLE, bundle({}));
    expect(policyChanges.parse(all)).toEqual(all);
  });

  it('marks what becomes milder, stricter, both or neither, the milder ones first', () => {
    const before = ['a.b', 'c.d', 'e.f', 'g.h', 'i.j'].map((name) => entry(name, { words: 'before' }));
    const after = [
      entry('a.b', { risk: 'high', words: 'before' }),
      entry('c.d', { effects: ['read'], risk: 'high', words: 'before' }),
      entry('e.f', { risk: 'low', words: 'before' }),
      entry('g.h', { words: 'after' }),
      entry('i.j', { words: 'before' }),
    ];
    expect(shown(catalogs(before, after))).toEqual([
      ['e.f', 'changed', 'milder'],
      ['c.d', 'changed', 'mixed'],
      ['a.b', 'changed', 'stricter'],
      ['g.h', 'changed', 'other'],
    ]);
    expect(catalogs(before, after).catalog.counts).toEqual({ milder: 1, mixed: 1, stricter: 1, other: 1 });
  });

  it.each<[string, Partial<CatalogEntry>, Partial<CatalogEntry>, string]>([
    ['an effect that is added', {}, { effects: ['write', 'external'] }, 'stricter'],
    ['an effect that is gone', { effects: ['read', 'write'] }, {}, 'milder'],
    ['a write instead of a read', { effects: ['read'] }, {}, 'stricter'],
    ['a read instead of a write', {}, { effects: ['read'] }, 'milder'],
    ['a read that is added', {}, { effects: ['read', 'write'] }, 'stricter'],
    ['another effect', {}, { effects: ['exec'] }, 'mixed'],
    ['a milder stage', {}, { stage: 'draft' }, 'milder'],
    ['a label that is added', {}, { labels: ['private'] }, 'stricter'],
    ['a label that is gone', { labels: ['private'] }, {}, 'milder'],
    ['a label that relaxes', {}, { labels: ['trusted'] }, 'milder'],
  ])('judges %s', (_what, was, is, direction) => {
    const changes = catalogs([entry('parcel.move', was)], [entry('parcel.move', is)]);
    expect(shown(changes)).toEqual([['parcel.move', 'changed', direction]]);
  });

  it('compares a verb without an entry by what it counts as then', () => {
    const added = catalogs([], [entry('parcel.track', { effects: ['read'], risk: 'low' })]);
    expect(added.catalog.items).toMatchObject([
      { name: 'parcel.track', change: 'added', before: { by: 'doubt', effects: ['write'] }, after: { by: 'exact' } },
    ]);
    const removed = catalogs([entry('file.read', { effects: ['write'] })], []);
    expect(removed.catalog.items).toMatchObject([{ change: 'removed', after: { by: 'meaning', effects: ['read'] } }]);
  });

  it('compares patterns and tools by their own names', () => {
    const tool = (risk: CatalogEntry['risk']): CatalogEntry => ({
      tools: ['Scanner'],
      verb: 'parcel.scan',
      effects: ['write'],
      risk,
    });
    const changes = catalogs([entry('letter.*'), tool('medium')], [entry('letter.*', { risk: 'high' }), tool('low')]);
    expect(changes.catalog.items.map(({ about, name, direction }) => [about, name, direction])).toEqual([
      ['tool', 'scanner', 'milder'],
      ['pattern', 'letter.*', 'stricter'],
    ]);
  });

  it('lists the entries of other sections by name, whatever the section is', () => {
    const section = (...entries: object[]): Compared =>
      ({ value: { anything: entries }, catalog: bundle({}).catalog }) as unknown as Compared;
    const before = section({ name: 'one', x: 1 }, { name: 'two', x: 2 }, { class: 'three' }, { x: 4 });
    const after = section({ name: 'two', x: 3 }, { class: 'three' }, { x: 5 });
    expect(diffBundles(before, after).sections).toEqual([
      {
        section: 'anything',
        added: { count: 1, names: ['{"x":5}'] },
        removed: { count: 2, names: ['one', '{"x":4}'] },
        changed: { count: 1, names: ['two'] },
        reordered: false,
      },
    ]);
  });

  it('reports the same entries in another order', () => {
    const [one, two] = [entry('a.*'), entry('*.b')];
    expect(catalogs([one, two], [two, one])).toMatchObject({
      same: false,
      sections: [{ section: 'catalog', reordered: true }],
    });
  });
});
