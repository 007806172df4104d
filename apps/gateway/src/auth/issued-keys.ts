import { Injectable } from '@nestjs/common';
import type { ClientJwks } from '@bailiwick/contracts/keys/client-keys';
import type { KeyView, NewKey } from '@bailiwick/contracts/keys/key';
import { Refused } from '../http/problems/problem';
import { LogClient } from '../log-client/log-client';
import { ApiKeys } from './api-keys';
import { ROLES, type Role } from './roles';
import { digestOf, newKeyId, newSecret } from './secrets';

/** A key with its secret, which is returned once and stored nowhere. */
export interface Issued {
  readonly view: KeyView;
  /** left out for a client with public keys */
  readonly secret?: string;
}

/** Changes keys. A change is effective at this gateway when it returns, and at the others within a second. */
@Injectable()
export class IssuedKeys {
  constructor(
    private readonly logClient: LogClient,
    private readonly keys: ApiKeys,
  ) {}

  async list(tenant: string): Promise<readonly KeyView[]> {
    return (await this.logClient.admin<{ keys: KeyView[] }>('tenant-keys', { tenant })).keys;
  }

  async issue(tenant: string, key: Omit<NewKey, 'id' | 'digest'>): Promise<Issued> {
    const secret = key.jwks === undefined ? newSecret(key.role ?? 'person') : undefined;
    const keys = [{ ...key, id: newKeyId(), ...(secret === undefined ? {} : { digest: digestOf(secret) }) }];
    const [view] = await this.changed<KeyView[]>('issue-keys', { tenant, keys });
    return { view: view as KeyView, ...(secret === undefined ? {} : { secret }) };
  }

  /** @param jwks of a client with public keys, which has no secret */
  async rotate(tenant: string, id: string, overlapMs: number, jwks?: ClientJwks): Promise<Issued> {
    if (jwks) return { view: await this.changed<KeyView>('rotate-key', { tenant, id, jwks, overlapMs }) };
    const before = (await this.list(tenant)).find((each) => each.id === id);
    if (!before) throw new Refused('NOT_FOUND', `Key ${id} not found.`);
    const secret = newSecret(before.role ?? 'person');
    const view = await this.changed<KeyView>('rotate-key', { tenant, id, digest: digestOf(secret), overlapMs });
    return { view, secret };
  }

  revoke(tenant: string, id: string): Promise<KeyView> {
    return this.changed('revoke-key', { tenant, id });
  }

  /** Removes the name of an erased person from their keys that have ended. */
  async forget(tenant: string, person: string): Promise<void> {
    await this.logClient.admin('forget-person', { tenant, person });
  }

  /** Issues the keys of a new tenant, one per role. @throws Refused CONFLICT if it has keys */
  addTenant(tenant: string): Promise<Record<Role, string>> {
    if (this.keys.isOwn(tenant)) throw new Refused('CONFLICT', `Tenant ${tenant} already exists.`);
    return this.issueRoles(tenant, 'create');
  }

  /**
   * Replaces the keys that a tenant got when it was created; its other keys stay.
   * @throws Refused NOT_FOUND if it has none, CONFLICT for the installation's tenant
   */
  reissue(tenant: string): Promise<Record<Role, string>> {
    if (this.keys.isOwn(tenant))
      throw new Refused(
        'CONFLICT',
        `the keys of tenant ${tenant} are in the credentials of the installation and cannot be replaced here`,
      );
    return this.issueRoles(tenant, 'reissue');
  }

  private async issueRoles(tenant: string, mode: 'create' | 'reissue'): Promise<Record<Role, string>> {
    const secrets = Object.fromEntries(ROLES.map((role) => [role, newSecret(role)])) as Record<Role, string>;
    const keys = ROLES.map((role) => ({
      id: newKeyId(),
      name: role,
      role,
      digest: digestOf(secrets[role]),
      createdBy: 'installation',
    }));
    await this.changed('issue-keys', { tenant, keys, mode });
    return secrets;
  }

  private async changed<T>(op: string, body: Record<string, unknown>): Promise<T> {
    const value = await this.logClient.admin<T>(op, body);
    await this.keys.refresh();
    return value;
  }
}
