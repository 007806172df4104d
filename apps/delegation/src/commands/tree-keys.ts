import { createHmac } from 'node:crypto';
import { systemClock, type Clock } from '@bailiwick/core/clock';
import { parseEvent } from '@bailiwick/contracts/events/event';
import { saltOf } from '@bailiwick/contracts/events/payload';
import type { EventLog } from '@bailiwick/event-store/port';

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
  /** the one that was read first at the start */
  private readonly keys = new Map<string, { readonly key: Promise<Buffer | undefined>; readonly until: number }>();

  constructor(
    private readonly eventlog: Pick<EventLog, 'at'>,
    private readonly clock: Clock = systemClock,
  ) {}

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
    const now = this.clock.now();
    const known = this.keys.get(id);
    if (known && now < known.until) return known.key;
    this.keys.delete(id);
    const key = this.read(tree).catch(() => {
      this.keys.delete(id); // read again for the next command
      return undefined;
    });
    this.keys.set(id, { key, until: now + KEPT.ms });
    const [oldest] = this.keys.keys();
    if (this.keys.size > KEPT.trees && oldest !== undefined) this.keys.delete(oldest);
    return key;
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
