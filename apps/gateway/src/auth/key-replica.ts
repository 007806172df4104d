import type { ClientJwks } from '@bailiwick/contracts/keys/client-keys';
import type { HeldKey } from '@bailiwick/contracts/keys/key';
import type { Role } from './roles';

/** The holder of a key. */
export interface KeyHolder {
  readonly tenant: string;
  /** left out: a person who may see and stop what runs in their name */
  readonly role?: Role;
  /** of a key that was issued through the API; the keys of the installation have none */
  readonly id?: string;
  /** events name a service by it */
  readonly name: string;
  /** the person who holds it, such as `user:ada@example.com` */
  readonly person?: string;
  readonly groups?: readonly string[];
  /** the public keys of a client that signs assertions */
  readonly jwks?: ClientJwks;
}

interface Held {
  readonly holder: KeyHolder;
  readonly revoked: boolean;
  /** ms; Infinity if it does not end */
  readonly expiresAt: number;
  readonly digests: readonly string[];
}

interface Secret {
  readonly key: Held;
  /** ms; the end of the overlap of a rotation */
  readonly until: number;
}

/** The issued keys as a gateway has read them: digests of secrets, and their holders. */
export class KeyReplica {
  /** of the last change that it contains */
  version = 0;
  private readonly byId = new Map<string, Held>();
  private readonly byDigest = new Map<string, Secret>();

  /** Takes over changed keys, each as a whole. */
  apply(version: number, keys: readonly HeldKey[]): void {
    for (const key of keys) this.put(key);
    this.version = version;
  }

  /**
   * Finds the holder of a valid key by the digest of its secret: secrets are 256 random bits, so that the time of the
   * look-up reveals nothing about them.
   */
  find(digest: string, now: number): KeyHolder | undefined {
    const secret = this.byDigest.get(digest);
    if (!secret || secret.key.revoked || secret.key.expiresAt <= now || secret.until <= now) return undefined;
    return secret.key.holder;
  }

  /** Finds the holder of a live key with public keys. */
  client(id: string, now: number): KeyHolder | undefined {
    const key = this.byId.get(id);
    return key && !key.revoked && key.expiresAt > now && key.holder.jwks ? key.holder : undefined;
  }

  /** Finds the holder of a live key by its id. */
  holder(id: string, now: number): KeyHolder | undefined {
    const key = this.byId.get(id);
    return key && !key.revoked && key.expiresAt > now ? key.holder : undefined;
  }

  private put({ id, tenant, name, role, person, groups, jwks, expiresAt, revoked, secrets }: HeldKey): void {
    for (const digest of this.byId.get(id)?.digests ?? []) this.byDigest.delete(digest);
    const holder: KeyHolder = {
      tenant,
      id,
      name,
      ...(role === undefined ? {} : { role }),
      // a revoked key is kept to be refused; the name of its person may have been erased
      ...(person === undefined || revoked ? {} : { person }),
      ...(groups ? { groups } : {}),
      ...(jwks ? { jwks } : {}),
    };
    const key: Held = { holder, revoked, expiresAt: endOf(expiresAt), digests: secrets.map(({ digest }) => digest) };
    this.byId.set(id, key);
    for (const { digest, until } of secrets) this.byDigest.set(digest, { key, until: endOf(until) });
  }
}

const endOf = (time: string | undefined): number => (time === undefined ? Infinity : Date.parse(time));
