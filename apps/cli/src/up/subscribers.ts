import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { changeFile } from '@bailiwick/platform/change-file';
import type { Subscriber } from '@bailiwick/platform/local-servers/nats-permissions';

const FILE = 'subscribers.json';

/** The subscribers of the event stream of an installation, with their passwords. */
export function readSubscribers(dataDir: string): Subscriber[] {
  const file = join(dataDir, FILE);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Subscriber[]) : [];
}

/** Adds a subscriber; one that exists keeps its password. */
export function addSubscriber(dataDir: string, subscriber: Pick<Subscriber, 'tenant' | 'name'>): Subscriber {
  const fresh = { ...subscriber, password: randomBytes(24).toString('hex') };
  let result = fresh;
  change(dataDir, (all) => {
    const known = all.find((each) => isSame(each, subscriber));
    result = known ?? fresh;
    return known ? all : [...all, fresh];
  });
  return result;
}

/** Removes a subscriber. @returns whether it existed */
export function removeSubscriber(dataDir: string, subscriber: Pick<Subscriber, 'tenant' | 'name'>): boolean {
  let existed = false;
  change(dataDir, (all) => {
    existed = all.some((each) => isSame(each, subscriber));
    return all.filter((each) => !isSame(each, subscriber));
  });
  return existed;
}

/** Changes the file under a lock: two commands at the same time lose nothing. */
function change(dataDir: string, by: (all: Subscriber[]) => Subscriber[]): void {
  changeFile(join(dataDir, FILE), (text) => {
    const all = text === undefined ? [] : (JSON.parse(text) as Subscriber[]);
    return `${JSON.stringify(by(all), null, 2)}\n`;
  });
}

const isSame = (one: Pick<Subscriber, 'tenant' | 'name'>, other: Pick<Subscriber, 'tenant' | 'name'>): boolean =>
  one.tenant === other.tenant && one.name === other.name;
