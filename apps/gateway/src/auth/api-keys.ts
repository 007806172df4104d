import { hash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { changeFile } from './change-file';
import { Refused } from '../http/problem';

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
 * a guesser nothing. Those of further tenants are kept as digests in a file of mode 0600, which all gateways of an
 * installation share: it is replaced as a whole, under a lock, and read again when it has changed.
 */
export class ApiKeys {
  private readonly own = new Map<string, KeyHolder>();
  private ofTenants = new Map<string, KeyHolder>();
  private version = '';
  private lookedAt = -Infinity;

  constructor(
    credentialsFile: string,
    private readonly tenantsFile: string,
  ) {
    const { tenant, keys } = JSON.parse(readFileSync(credentialsFile, 'utf8')) as {
      tenant: string;
      keys: Record<Role, string>;
    };
    for (const role of ROLES) this.own.set(digestOf(keys[role]), { tenant, role });
    this.look();
  }

  /**
   * A key that is not known may have been made at another gateway; one that is known may have been replaced there.
   * @param digest of the key, where it is known already
   */
  find(key: string, digest: string = digestOf(key)): KeyHolder | undefined {
    const own = this.own.get(digest);
    if (own) return own;
    if (!this.ofTenants.has(digest) || performance.now() - this.lookedAt > LOOK_MS) this.look();
    return this.ofTenants.get(digest);
  }

  /** Has the tenant keys of its own? */
  has(tenant: string): boolean {
    this.look();
    return [...this.own.values(), ...this.ofTenants.values()].some((holder) => holder.tenant === tenant);
  }

  /** Keys of a new tenant: returned once, kept as digests. @throws Refused CONFLICT where it has keys */
  addTenant(tenant: string): Record<Role, string> {
    return this.issue(tenant, (kept) => {
      if (this.isOwn(tenant) || kept.some(([, holder]) => holder.tenant === tenant))
        throw new Refused(
          'CONFLICT',
          `tenant ${tenant} is there already; if the answer with its keys was lost, send "reissue": true for new ones`,
        );
    });
  }

  /** New keys in the place of those that a tenant has: from then on the old ones are not known. */
  reissue(tenant: string): Record<Role, string> {
    return this.issue(tenant, (kept) => {
      if (this.isOwn(tenant))
        throw new Refused('CONFLICT', `the keys of tenant ${tenant} are those of the installation, in its credentials`);
      if (!kept.some(([, holder]) => holder.tenant === tenant))
        throw new Refused('NOT_FOUND', `tenant ${tenant} has no keys yet; leave "reissue" out to make it`);
    });
  }

  private isOwn(tenant: string): boolean {
    return [...this.own.values()].some((holder) => holder.tenant === tenant);
  }

  /**
   * Dying before the file is replaced: the old keys are good, and the request can be sent again. Dying after it, before
   * the answer: nobody has the new ones, and they can be issued again.
   */
  private issue(tenant: string, check: (kept: [string, KeyHolder][]) => void): Record<Role, string> {
    const keys = Object.fromEntries(
      ROLES.map((role) => [role, `bwk_${role}_${randomBytes(32).toString('base64url')}`]),
    ) as Record<Role, string>;
    changeFile(this.tenantsFile, (text) => {
      const kept = parse(text);
      check(kept);
      const others = kept.filter(([, holder]) => holder.tenant !== tenant);
      return JSON.stringify([...others, ...ROLES.map((role) => [digestOf(keys[role]), { tenant, role }])]);
    });
    this.look();
    return keys;
  }

  /** Reads the file where it is another than was read. A file that cannot be read ends here: no key of it is known (I11). */
  private look(): void {
    this.lookedAt = performance.now();
    const stat = statSync(this.tenantsFile, { bigint: true, throwIfNoEntry: false });
    const version = stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : '';
    if (version === this.version) return;
    this.ofTenants = new Map(stat ? parse(readFileSync(this.tenantsFile, 'utf8')) : []);
    this.version = version;
  }
}

/** A known key is good for at most so long after it was replaced at another gateway. */
const LOOK_MS = 500;

const parse = (text: string | undefined): [string, KeyHolder][] =>
  text === undefined ? [] : (JSON.parse(text) as [string, KeyHolder][]);
