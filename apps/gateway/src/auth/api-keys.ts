import { existsSync, readFileSync, renameSync } from 'node:fs';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { SessionKey } from '@bailiwick/contracts/sessions/session';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { Bus } from '@bailiwick/messaging/connect';
import { adminSubject } from '@bailiwick/messaging/subjects';
import { Refused } from '../http/problems/problem';
import { KeyFollower } from './key-follower';
import type { KeyHolder } from './key-replica';
import { ROLES, type Role } from './roles';
import { digestOf, KEY_PREFIX, legacyKeyId } from './secrets';

export { ROLES, type Role } from './roles';
export { digestOf } from './secrets';
export type { KeyHolder } from './key-replica';

export interface KeyFiles {
  /** the keys of the installation's own tenant, one per role */
  readonly credentials: string;
  /** where earlier releases stored the keys of other tenants */
  readonly tenants: string;
}

/**
 * Finds the holders of API keys: those of the installation's own tenant, which its credentials file lists, and those issued
 * through the API, which the delegation service stores for all gateways. Only digests stay in memory.
 */
export class ApiKeys implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly own = new Map<string, KeyHolder>();
  private readonly follower: KeyFollower;
  private takeover: NodeJS.Timeout | undefined;
  /** the first attempt to take over the keys of an earlier release */
  takenOver: Promise<void> = Promise.resolve();

  constructor(
    private readonly files: KeyFiles,
    private readonly bus: Pick<Bus, 'request'>,
    private readonly now: () => number = () => systemClock.now(),
    monotonic?: () => number,
  ) {
    const { tenant, keys } = JSON.parse(readFileSync(files.credentials, 'utf8')) as {
      tenant: string;
      keys: Record<Role, string>;
    };
    for (const role of ROLES) this.own.set(digestOf(keys[role]), { tenant, role, name: role });
    this.follower = new KeyFollower(bus, monotonic);
  }

  /** @throws Error if the file of an earlier release cannot be read */
  onApplicationBootstrap(): void {
    const stored = readLegacy(this.files.tenants);
    this.follower.start();
    if (stored.length > 0) this.takenOver = this.takeOver(stored);
  }

  onApplicationShutdown(): Promise<void> {
    clearTimeout(this.takeover);
    return this.follower.stop();
  }

  /**
   * Finds the holder of a key. It is known at once unless the last read of the changes is too old, or the key is unknown:
   * another gateway may have issued it a moment ago.
   * @throws Refused NOT_READY if this gateway cannot read whether keys were revoked
   */
  find(key: string, digest: string = digestOf(key)): KeyHolder | undefined | Promise<KeyHolder | undefined> {
    const own = this.own.get(digest);
    if (own) return own;
    if (!key.startsWith(KEY_PREFIX)) return undefined; // a token
    if (this.follower.isFresh) {
      const holder = this.held(digest);
      if (holder) return holder;
    }
    return this.findAfterRead(digest);
  }

  /**
   * Finds a client with public keys by the id of its key.
   * @throws Refused NOT_READY if this gateway cannot read whether keys were revoked
   */
  async findClient(id: string): Promise<KeyHolder | undefined> {
    const { replica } = this.follower;
    if (!this.follower.isFresh || !replica.client(id, this.now())) await this.follower.read();
    if (!this.follower.isVouched) throw new Refused('NOT_READY', 'the keys cannot be checked at the moment; try again');
    const holder = replica.client(id, this.now());
    if (holder) this.follower.noteUse(id);
    return holder;
  }

  /**
   * Finds the holder of a key that a session was started with, if the key is still valid.
   * @throws Refused NOT_READY if this gateway cannot read whether keys were revoked
   */
  async holderOf(key: SessionKey): Promise<KeyHolder | undefined> {
    if ('digest' in key) return this.own.get(key.digest);
    if (!this.follower.isFresh) await this.follower.read();
    if (!this.follower.isVouched) throw new Refused('NOT_READY', 'the keys cannot be checked at the moment; try again');
    return this.follower.replica.holder(key.id, this.now());
  }

  /** Reports whether a tenant is the installation's own, whose keys are in its credentials. */
  isOwn(tenant: string): boolean {
    return [...this.own.values()].some((holder) => holder.tenant === tenant);
  }

  /** Makes a change of the keys that this gateway has requested effective here before it responds. */
  refresh(): Promise<void> {
    return this.follower.readAgain();
  }

  private async findAfterRead(digest: string): Promise<KeyHolder | undefined> {
    await this.follower.read();
    if (this.follower.isVouched) return this.held(digest);
    throw new Refused('NOT_READY', 'the keys cannot be checked at the moment; try again');
  }

  private held(digest: string): KeyHolder | undefined {
    const holder = this.follower.replica.find(digest, this.now());
    if (holder?.id !== undefined) this.follower.noteUse(holder.id);
    return holder;
  }

  /**
   * Takes over the keys that an earlier release stored in a file, and then renames the file. Repeating it changes nothing, so
   * a crash or another gateway at the same time loses none and brings no revoked key back.
   */
  private async takeOver(stored: readonly LegacyKey[]): Promise<void> {
    for (let at = 0; at < stored.length; at += LIMITS.keys.page) {
      const keys = stored
        .slice(at, at + LIMITS.keys.page)
        .map(([digest, { tenant, role }]) => ({ id: legacyKeyId(digest), tenant, role, digest }));
      const reply = await this.bus.request(adminSubject('take-over-keys'), { keys }, LIMITS.attemptMs);
      if (!reply.ok || (reply.value as { ok?: unknown } | undefined)?.ok !== true) {
        this.takeover = setTimeout(() => void this.takeOver(stored), LIMITS.keys.freshMs);
        this.takeover.unref();
        return;
      }
    }
    setAside(this.files.tenants);
    await this.follower.readAgain();
  }
}

type LegacyKey = readonly [digest: string, holder: { readonly tenant: string; readonly role: Role }];

/** Another gateway may have renamed the file; one that stays is taken over again at the next start, without effect. */
function setAside(file: string): void {
  try {
    renameSync(file, `${file}.taken-over`);
  } catch {
    return;
  }
}

/** @throws Error if the file cannot be read: its keys would be lost without notice */
function readLegacy(file: string): readonly LegacyKey[] {
  if (!existsSync(file)) return [];
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LegacyKey[];
  } catch (error) {
    throw new Error(`the keys of tenants in ${file} (tenants.json) cannot be read: ${(error as Error).message}`);
  }
}
