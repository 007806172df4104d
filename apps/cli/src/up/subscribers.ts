import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Subscriber } from '@bailiwick/platform/servers/nats-permissions';
import { writePrivate } from './secrets';

const FILE = 'subscribers.json';

/** The subscribers of the event stream of an installation, with their passwords. */
export function readSubscribers(dataDir: string): Subscriber[] {
  const file = join(dataDir, FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Subscriber[]) : [];
}

/** Adds a subscriber; one that exists keeps its password. */
export function addSubscriber(dataDir: string, subscriber: Pick<Subscriber, 'tenant' | 'name'>): Subscriber {
  const all = readSubscribers(dataDir);
  const known = all.find((each) => isSame(each, subscriber));
  if (known) return known;
  const added = { ...subscriber, password: randomBytes(24).toString('hex') };
  write(dataDir, [...all, added]);
  return added;
}

/** Removes a subscriber. @returns whether it existed */
export function removeSubscriber(dataDir: string, subscriber: Pick<Subscriber, 'tenant' | 'name'>): boolean {
  const all = readSubscribers(dataDir);
  const left = all.filter((each) => !isSame(each, subscriber));
  if (left.length < all.length) write(dataDir, left);
  return left.length < all.length;
}

const write = (dataDir: string, all: readonly Subscriber[]): void =>
  writePrivate(join(dataDir, FILE), `${JSON.stringify(all, null, 2)}\n`);

const isSame = (one: Pick<Subscriber, 'tenant' | 'name'>, other: Pick<Subscriber, 'tenant' | 'name'>): boolean =>
  one.tenant === other.tenant && one.name === other.name;
