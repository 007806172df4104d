import { hash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { Refused } from './refusal';

export const ROLES = ['admin', 'orchestrator', 'enforcer', 'approver', 'responder', 'analyst'] as const;
export type Role = (typeof ROLES)[number];

export interface KeyHolder {
  readonly tenant: string;
  readonly role: Role;
}

/** What is held of a key or a token instead of it. */
export const digestOf = (credential: string): string => hash('sha256', credential, 'base64');

/**
 * API keys, one per role and tenant. Only their SHA-256 is held: keys are 256 random bits, so a look-up by digest tells
 * a guesser nothing. Those of further tenants are kept as digests in a file of mode 0600.
 */
export class ApiKeys {
  private readonly byDigest = new Map<string, KeyHolder>();

  constructor(
    credentialsFile: string,
    private readonly tenantsFile: string,
  ) {
    const { tenant, keys } = JSON.parse(readFileSync(credentialsFile, 'utf8')) as {
      tenant: string;
      keys: Record<Role, string>;
    };
    for (const role of ROLES) this.byDigest.set(digestOf(keys[role]), { tenant, role });
    for (const [digest, holder] of this.kept()) this.byDigest.set(digest, holder);
  }

  /** @param digest of the key, where it is known already */
  find(key: string, digest: string = digestOf(key)): KeyHolder | undefined {
    return this.byDigest.get(digest);
  }

  /** Keys of a new tenant: told once, kept as digests. Dying before the rename: the tenant has none, and is made again. */
  addTenant(tenant: string): Record<Role, string> {
    if ([...this.byDigest.values()].some((holder) => holder.tenant === tenant))
      throw new Refused('CONFLICT', `tenant ${tenant} is there already`);
    const keys = Object.fromEntries(
      ROLES.map((role) => [role, `bwk_${role}_${randomBytes(32).toString('base64url')}`]),
    ) as Record<Role, string>;
    const fresh = ROLES.map((role): [string, KeyHolder] => [digestOf(keys[role]), { tenant, role }]);
    const file = `${this.tenantsFile}.${process.pid}`;
    writeFileSync(file, JSON.stringify([...this.kept(), ...fresh]), { mode: 0o600 });
    renameSync(file, this.tenantsFile);
    for (const [digest, holder] of fresh) this.byDigest.set(digest, holder);
    return keys;
  }

  private kept(): [string, KeyHolder][] {
    return existsSync(this.tenantsFile)
      ? (JSON.parse(readFileSync(this.tenantsFile, 'utf8')) as [string, KeyHolder][])
      : [];
  }
}
