import * as fc from 'fast-check';
import { entryHash, leafHash } from './hash';
import { errorOf, valueOf } from './testing/keys';
import { grown, naiveRoot, someEntries } from './testing/naive-tree';
import {
  entryBundle,
  hasTile,
  nodesOfTile,
  parseTilePath,
  readEntryBundle,
  tileBytes,
  tilePath,
  tilesOf,
  type Tile,
} from './tile';
import { growTree, rootOfFrontier } from './merkle-tree';

fc.configureGlobal({ seed: 20260129 });

describe('the path of a tile', () => {
  it.each<[string, Tile]>([
    ['tile/0/000', { level: 0, index: 0, width: 256 }],
    ['tile/3/x001/x234/067', { level: 3, index: 1234067, width: 256 }],
    ['tile/3/x001/x234/067.p/1', { level: 3, index: 1234067, width: 1 }],
    ['tile/63/999.p/255', { level: 63, index: 999, width: 255 }],
    ['tile/entries/x001/000.p/112', { level: 'entries', index: 1000, width: 112 }],
    ['tile/0/x009/x007/x199/x254/x740/991', { level: 0, index: Number.MAX_SAFE_INTEGER, width: 256 }],
  ])('is %s', (path, tile) => {
    expect(tilePath(tile)).toBe(path);
    expect(valueOf(parseTilePath(path))).toEqual(tile);
  });

  it('round-trips', () => {
    const level = fc.oneof(fc.constant('entries' as const), fc.nat(63));
    const tile = fc.record({ level, index: fc.maxSafeNat(), width: fc.integer({ min: 1, max: 256 }) });
    fc.assert(fc.property(tile, (each) => expect(valueOf(parseTilePath(tilePath(each)))).toEqual(each)));
  });

  it.each([
    ...[
      '',
      'tile',
      'tile/0',
      'tile/0/',
      'tile/0/00',
      'tile/0/0000',
      'tile/0/x000',
      'tile/0/x000/000',
      'tile/0/001/000',
    ],
    ...['tile/0/x001/x00', 'tile/00/000', 'tile/64/000', 'tile/-1/000', 'tile/data/000', 'tile/0/000/', '/tile/0/000'],
    ...['tile/0/000.p/0', 'tile/0/000.p/256', 'tile/0/000.p/01', 'tile/0/000.p/', 'tile/0/000.p', 'tile/0/000.p/1/2'],
    ...['tile/0/../checkpoint', 'tile/0/000\n', 'tile/0/٠٠٠', 'tile/0/x009/x007/x199/x254/x740/992'],
    'tile/0/x001/x009/x007/x199/x254/x740/991',
  ])('is refused: %j', (path) => {
    errorOf(parseTilePath(path));
  });
});

describe('the tiles of a tree', () => {
  const shape = (size: number): string[] =>
    tilesOf(size)
      .map(tilePath)
      .filter((path) => !path.includes('entries'));

  it('are those of the specification for 70,000 and for 256 leaves', () => {
    const paths = shape(70_000);
    expect(paths.filter((path) => path.startsWith('tile/0/') && !path.includes('.p'))).toHaveLength(273);
    expect(paths.slice(273)).toEqual(['tile/0/273.p/112', 'tile/1/000', 'tile/1/001.p/17', 'tile/2/000.p/1']);
    expect(shape(256)).toEqual(['tile/0/000', 'tile/1/000.p/1']);
    expect(tilesOf(257).filter(({ level }) => level === 'entries')).toHaveLength(2);
    expect(tilesOf(0)).toEqual([]);
  });

  it('include no tile beyond its size, and every smaller one', () => {
    expect(tilesOf(70_000).every((tile) => hasTile(tile, 70_000))).toBe(true);
    expect(hasTile({ level: 0, index: 273, width: 112 }, 69_999)).toBe(false);
    expect(hasTile({ level: 0, index: 273, width: 113 }, 70_000)).toBe(false);
    expect(hasTile({ level: 0, index: 273, width: 111 }, 70_000)).toBe(true);
    expect(hasTile({ level: 1, index: 0, width: 1 }, 255)).toBe(false);
    expect(hasTile({ level: 'entries', index: 0, width: 255 }, 255)).toBe(true);
    expect(hasTile({ level: 63, index: 0, width: 1 }, Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  it('contain the hashes from which a client computes the root', () => {
    const entries = someEntries(600);
    const { read } = grown(entries);
    const bytes = (tile: Tile): Buffer[] => {
      const all = tileBytes(tile, read);
      return Array.from({ length: all.length / 32 }, (_, i) => all.subarray(i * 32, i * 32 + 32));
    };
    const leaves = tilesOf(600)
      .filter(({ level }) => level === 0)
      .flatMap(bytes);
    expect(leaves).toEqual(entries.map(leafHash));
    expect(rootOfFrontier(growTree(0, [], leaves).frontier)).toEqual(naiveRoot(entries));
    // each hash of level 1 is the root of a full tile of level 0
    const above = tilesOf(600)
      .filter(({ level }) => level === 1)
      .flatMap(bytes);
    expect(above).toEqual([naiveRoot(entries.slice(0, 256)), naiveRoot(entries.slice(256, 512))]);
  });

  it('are refused if a hash is missing', () => {
    expect(() => tileBytes({ level: 1, index: 0, width: 1 }, () => undefined)).toThrow(
      'no hash at level 8, index 0, for tile/1/000.p/1',
    );
    expect(nodesOfTile({ level: 'entries', index: 0, width: 3 })).toEqual([]);
  });
});

describe('a bundle of entries', () => {
  it('contains each entry after its length, and round-trips', () => {
    const entries = [entryHash('a'), Buffer.alloc(0), Buffer.from('xyz')];
    const bytes = entryBundle(entries);
    expect(bytes.subarray(0, 2).toString('hex')).toBe('0020');
    expect(bytes.subarray(34).toString('hex')).toBe('0000000378797a');
    expect(valueOf(readEntryBundle(bytes))).toEqual(entries);
  });

  it('is refused if it is truncated or has too many entries', () => {
    const bytes = entryBundle([entryHash('a')]);
    for (let length = 1; length < bytes.length; length += 1) errorOf(readEntryBundle(bytes.subarray(0, length)));
    expect(errorOf(readEntryBundle(Buffer.alloc(2 * 257)))).toContain('at most 256');
    expect(() => entryBundle([Buffer.alloc(65_536)])).toThrow('does not fit');
    expect(entryBundle([Buffer.alloc(65_535)])).toHaveLength(65_537);
  });
});
