import { createHmac } from 'node:crypto';
import { parseEvent } from '@bailiwick/contracts/events/event';
import { saltOf } from '@bailiwick/contracts/events/payload';
import type { EventLog } from '@bailiwick/event-store/port';
import { LRUCache } from 'lru-cache';

/** The tree of a command: where its root run was opened. */
export interface Tree {
  readonly log: string;
  /** of the event RunOpened of its root run */
  readonly position: number;
}

/** Trees whose keys are kept, and for how long: an erasure ends a key that is kept here no later than this. */
const KEPT = { trees: 10_000, ms: 60_000 };

/**
 * The keys with which the values of a tree are marked. A key is derived from the salt of the payload of the run that opened
 * the tree: 128 random bits, which are stored with the payload and erased with it, and which no event has.
 */
export class TreeKeys {
  private readonly keys = new LRUCache<string, Promise<Buffer | undefined>>({ max: KEPT.trees, ttl: KEPT.ms });

  constructor(private readonly eventlog: Pick<EventLog, 'at'>) {}

  /** Returns the marks of values, sorted; `unavailable` if the key is erased or cannot be read. @param digests of values */
  async marksOf(tree: Tree | undefined, digests: readonly string[]): Promise<string[] | 'unavailable'> {
    const key = tree && (await this.keyOf(tree));
    if (!key) return 'unavailable';
    return [...new Set(digests)].map((each) => markOf(key, each)).sort();
  }

  /** Forgets every key, after an erasure. */
  clear(): void {
    this.keys.clear();
  }

  private keyOf(tree: Tree): Promise<Buffer | undefined> {
    const id = `${tree.log}@${tree.position}`;
    const known = this.keys.get(id);
    if (known) return known;
    const read = this.read(tree).catch(() => {
      this.keys.delete(id); // read again for the next command
      return undefined;
    });
    this.keys.set(id, read);
    return read;
  }

  private async read({ log, position }: Tree): Promise<Buffer | undefined> {
    const [opened] = await this.eventlog.at(log, [position]);
    const salt = opened && saltOf(parseEvent(opened.body), opened.payload);
    return salt === undefined ? undefined : createHmac('sha256', salt).update('marks of values').digest();
  }
}

/** 48 bits: enough that two of the values that a tree keeps have the same mark by chance in none of millions of trees. */
const markOf = (key: Buffer, digest: string): string =>
  createHmac('sha256', key).update(digest).digest().toString('base64url', 0, 6);
