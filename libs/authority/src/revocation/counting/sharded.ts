const SHARDS = 1 << 6;

/**
 * Counts items by key in several maps: one large map copies all of its entries whenever it grows, which would pause
 * decisions for tens of milliseconds.
 */
export class ShardedCounts {
  private readonly shards: (Map<string, number> | undefined)[] = new Array<undefined>(SHARDS);
  /** number of different keys */
  size = 0;

  /** @returns how often the key has been added */
  add(key: string): number {
    const at = shardOf(key);
    const shard = (this.shards[at] ??= new Map<string, number>());
    const count = (shard.get(key) ?? 0) + 1;
    if (count === 1) this.size += 1;
    shard.set(key, count);
    return count;
  }
}

/** Mixes the last characters: ids are random there, and names are mostly numbered. */
function shardOf(key: string): number {
  let hash = key.length;
  for (let i = Math.max(0, key.length - 6); i < key.length; i++) hash = (hash * 31 + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 10)) & (SHARDS - 1);
}
