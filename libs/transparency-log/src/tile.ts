import { err, ok, type Result } from '@bailiwick/core/result';
import { HASH_BYTES } from './hash';
import { checkSize, type Node, type ReadNode } from './merkle-tree';

// Serves a log as immutable files that any cache may keep. @see https://c2sp.org/tlog-tiles

/** Hashes in a full tile, and entries in a full bundle. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
const LEVEL_MOST = 63;

/** `width` hashes at tree level 8 · `level`, the `index`-th group from the left; or log entries for `entries`. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  /** 1 to 256; below 256 the tile is partial */
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]`, N in groups of three digits: 1234067 is `x001/x234/067`. */
export function tilePath({ level, index, width }: Tile): string {
  const groups: string[] = [];
  let rest = index;
  do {
    groups.unshift(String(rest % 1000).padStart(3, '0'));
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Refuses every path except the one that `tilePath` returns: a second path would duplicate the tile in every cache. */
export function parseTilePath(path: string): Result<Tile, string> {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (!match) return err('a tile is at tile/<level>/<index>[.p/<width>], the index in groups of three digits');
  const level = match[1] === 'entries' ? 'entries' : Number(match[1]);
  const index = Number((match[2] as string).replace(/[x/]/g, ''));
  const width = match[3] === undefined ? TILE_WIDTH : Number(match[3]);
  const partial = match[3] !== undefined;
  if (level !== 'entries' && level > LEVEL_MOST) return err(`tiles have levels 0 to ${LEVEL_MOST}`);
  if (!Number.isSafeInteger(index)) return err('the index of a tile must be at most 2^53 - 1');
  if (partial && (width < 1 || width >= TILE_WIDTH)) return err(`a partial tile is 1 to ${TILE_WIDTH - 1} wide`);
  const tile: Tile = { level, index, width };
  return tilePath(tile) === path ? ok(tile) : err(`that tile is at ${tilePath(tile)}`);
}

/** Returns the number of hashes at a tile level of a tree of `size` leaves. */
function widthOfLevel(level: number | 'entries', size: number): number {
  let width = size;
  for (let i = level === 'entries' ? 0 : level; i > 0 && width > 0; i -= 1) width = Math.floor(width / TILE_WIDTH);
  return width;
}

/** Reports whether a tree of `size` leaves has the whole tile. A tile never changes afterwards. */
export const hasTile = ({ level, index, width }: Tile, size: number): boolean =>
  index * TILE_WIDTH + width <= widthOfLevel(level, size);

/** Lists every tile and entry bundle of a tree of `size` leaves, partial ones last in their level. */
export function tilesOf(size: number): Tile[] {
  checkSize(size);
  const tiles: Tile[] = [];
  const add = (level: number | 'entries', width: number): void => {
    for (let at = 0; at < width; at += TILE_WIDTH) {
      tiles.push({ level, index: at / TILE_WIDTH, width: Math.min(TILE_WIDTH, width - at) });
    }
  };
  add('entries', size);
  for (let level = 0; widthOfLevel(level, size) > 0; level += 1) add(level, widthOfLevel(level, size));
  return tiles;
}

/** Lists the stored nodes of a tile, in order. A bundle of entries has none. */
export function nodesOfTile({ level, index, width }: Tile): Node[] {
  if (level === 'entries') return [];
  return Array.from({ length: width }, (_, i) => ({ level: level * TILE_HEIGHT, index: index * TILE_WIDTH + i }));
}

/** Returns the bytes of a tile of hashes. @throws Error if the reader lacks a hash; check `hasTile` first */
export function tileBytes(tile: Tile, read: ReadNode): Buffer {
  const hashes = nodesOfTile(tile).map(({ level, index }) => {
    const hash = read(level, index);
    if (hash?.length !== HASH_BYTES)
      throw new Error(`the tree has no hash at level ${level}, index ${index}, for ${tilePath(tile)}`);
    return hash;
  });
  return Buffer.concat(hashes);
}

const ENTRY_MOST = 0xffff;

/** Returns the bytes of a bundle: each entry after its length in two bytes. @throws Error for an entry of 64 KiB or more */
export function entryBundle(entries: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    entries.flatMap((entry) => {
      if (entry.length > ENTRY_MOST) throw new Error(`an entry of ${entry.length} bytes does not fit a bundle`);
      const length = Buffer.alloc(2);
      length.writeUInt16BE(entry.length);
      return [length, entry];
    }),
  );
}

/** Parses the entries of a bundle. The bundle does not contain their number; compare it with the requested width. */
export function readEntryBundle(bytes: Uint8Array): Result<Buffer[], string> {
  const from = Buffer.from(bytes);
  const entries: Buffer[] = [];
  let at = 0;
  while (at < from.length) {
    if (at + 2 > from.length) return err('the bundle ends within a length');
    const end = at + 2 + from.readUInt16BE(at);
    if (end > from.length) return err('the bundle ends within an entry');
    entries.push(from.subarray(at + 2, end));
    at = end;
  }
  return entries.length > TILE_WIDTH ? err(`a bundle has at most ${TILE_WIDTH} entries`) : ok(entries);
}
