import { hash, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { changeFile, FileLockedError } from '@bailiwick/platform/change-file';
import { Refused } from '../http/problems/problem';

export const ROLES = ['admin', 'orchestrator', 'enforcer', 'approver', 'responder', 'analyst'] as const;
export type Role = (typeof ROLES)[number];

export interface KeyHolder {
  readonly tenant: string;
  readonly role: Role;
}

/** Returns the digest that is stored instead of a key or a token. */
export const digestOf = (credential: string): string => hash('sha256', credential, 'base64');

/**
 * API keys, one per role and tenant. Only their SHA-256 digests stay in memory: keys are 256 random bits, so a look-up
 * by digest reveals nothing through its timing. The digests of additional tenants are stored in a file with mode 0600,
 * which all gateways of an installation share. A change replaces the whole file under a lock, and gateways read the file
 * again after a change.
 */
export class ApiKeys {
  private readonly own = new Map<string, KeyHolder>();
  private ofTenants = new Map<string, KeyHolder>();
  private version = '';
  private refreshedAt = -Infinity;

  constructor(
    credentialsFile: string,
    private readonly tenantsFile: string,
  ) {
    const { tenant, keys } = JSON.parse(readFileSync(credentialsFile, 'utf8')) as {
      tenant: string;
      keys: Record<Role, string>;
    };
    for (const role of ROLES) this.own.set(digestOf(keys[role]), { tenant, role });
    this.refresh();
  }

  /**
   * Finds the holder of a key. Another gateway may have issued an unknown key or replaced a known one, so both cases can
   * read the file again.
   * @param digest the digest of the key, if the caller has it
   */
  find(key: string, digest: string = digestOf(key)): KeyHolder | undefined {
    const own = this.own.get(digest);
    if (own) return own;
    if (!key.startsWith(PREFIX)) return undefined; // a grant token, which no file lists
    if (!this.ofTenants.has(digest) || performance.now() - this.refreshedAt > REFRESH_MS) this.refresh();
    return this.ofTenants.get(digest);
  }

  /** Reports whether the tenant has keys. */
  has(tenant: string): boolean {
    this.refresh();
    return [...this.own.values(), ...this.ofTenants.values()].some((holder) => holder.tenant === tenant);
  }

  /** Issues the keys of a new tenant, of which only digests are stored. @throws Refused CONFLICT if it has keys */
  addTenant(tenant: string): Record<Role, string> {
    return this.issue(tenant, (kept) => {
      if (this.isOwn(tenant) || kept.some(([, holder]) => holder.tenant === tenant))
        throw new Refused(
          'CONFLICT',
          `Tenant ${tenant} already exists. If the response with its keys was lost, send "reissue": true for new keys.`,
        );
    });
  }

  /** Replaces the keys of a tenant. @throws Refused NOT_FOUND if it has none, CONFLICT for the installation's tenant */
  reissue(tenant: string): Record<Role, string> {
    return this.issue(tenant, (kept) => {
      if (this.isOwn(tenant))
        throw new Refused(
          'CONFLICT',
          `the keys of tenant ${tenant} are in the credentials of the installation and cannot be replaced here`,
        );
      if (!kept.some(([, holder]) => holder.tenant === tenant))
        throw new Refused('NOT_FOUND', `tenant ${tenant} has no keys yet; leave out "reissue" to create it`);
    });
  }

  private isOwn(tenant: string): boolean {
    return [...this.own.values()].some((holder) => holder.tenant === tenant);
  }

  /**
   * Issues keys. If the process dies before the file is replaced, the old keys stay valid and the client can retry. If it
   * dies after that but before the response, no client has the new keys, and they can be reissued.
   */
  private issue(tenant: string, check: (kept: [string, KeyHolder][]) => void): Record<Role, string> {
    const keys = Object.fromEntries(
      ROLES.map((role) => [role, `${PREFIX}${role}_${randomBytes(32).toString('base64url')}`]),
    ) as Record<Role, string>;
    this.change((text) => {
      const kept = parse(text);
      check(kept);
      const others = kept.filter(([, holder]) => holder.tenant !== tenant);
      return JSON.stringify([...others, ...ROLES.map((role) => [digestOf(keys[role]), { tenant, role }])]);
    });
    this.refresh();
    return keys;
  }

  private change(change: (text: string | undefined) => string): void {
    try {
      changeFile(this.tenantsFile, change);
    } catch (error) {
      if (error instanceof FileLockedError)
        throw new Refused('NOT_READY', 'another gateway is changing the keys at the moment; try again');
      throw error;
    }
  }

  /** Reads the file if it has changed. An unreadable file is an error, so that none of its keys is accepted (I11). */
  private refresh(): void {
    this.refreshedAt = performance.now();
    const stat = statSync(this.tenantsFile, { bigint: true, throwIfNoEntry: false });
    const version = stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : '';
    if (version === this.version) return;
    this.ofTenants = new Map(stat ? parse(readFileSync(this.tenantsFile, 'utf8')) : []);
    this.version = version;
  }
}

/** The start of every issued key, which distinguishes it from a token. */
const PREFIX = 'bwk_';

/** How long a key stays valid here after another gateway replaced it. */
const REFRESH_MS = 500;

const parse = (text: string | undefined): [string, KeyHolder][] =>
  text === undefined ? [] : (JSON.parse(text) as [string, KeyHolder][]);
