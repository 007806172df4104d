import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { ClientJwks } from '@bailiwick/contracts/keys/client-keys';
import type { Actor } from '@bailiwick/contracts/events/event';
import type { KeyView, NewKey, PeopleOfKeys } from '@bailiwick/contracts/keys/key';
import type { KeyChange } from '@bailiwick/contracts/keys/key-change';
import { recordOf } from '@bailiwick/contracts/keys/key-record';
import type { KeyRecording } from '@bailiwick/contracts/keys/key-recording';
import { Refused } from '../http/problems/problem';
import { LogClient } from '../log-client/log-client';
import { ApiKeys } from './api-keys';
import { Pseudonyms } from './pseudonyms';
import { ROLES, type Role } from './roles';
import { digestOf, newKeyId, newSecret } from './secrets';

/** A key with its secret, which is returned once and stored nowhere. */
export interface Issued {
  readonly view: KeyView;
  /** left out for a client with public keys */
  readonly secret?: string;
  /** of the event that records the change */
  readonly position: number;
}

/** Codes of refusals that end when the owner of the log is present, or has room. */
const LATER: ReadonlySet<string> = new Set(['NOT_READY', 'TOO_MANY']);

/** The keys of a new tenant have no issuer in it. */
const INSTALLATION: Actor = { kind: 'service', id: 'installation' };

/**
 * Changes keys, and records each change in the tenant's log. A change is effective at this gateway when it returns, and at
 * the others within a second.
 */
@Injectable()
export class IssuedKeys {
  constructor(
    private readonly logClient: LogClient,
    private readonly keys: ApiKeys,
    private readonly pseudonyms: Pseudonyms,
  ) {}

  async list(tenant: string): Promise<readonly KeyView[]> {
    return (await this.logClient.admin<{ keys: KeyView[] }>('tenant-keys', { tenant })).keys;
  }

  async issue(tenant: string, key: Omit<NewKey, 'id' | 'digest'>, by: Actor): Promise<Issued> {
    const secret = key.jwks === undefined ? newSecret(key.role ?? 'person') : undefined;
    const keys = [{ ...key, id: newKeyId(), ...(secret === undefined ? {} : { digest: digestOf(secret) }) }];
    const record = this.recording(tenant, by, key.person);
    const [view] = await this.changed<KeyView[]>('issue-keys', { tenant, keys, record });
    const position = await this.record(tenant, record, 'issued', view as KeyView);
    return { view: view as KeyView, ...(secret === undefined ? {} : { secret }), position };
  }

  /** @param jwks of a client with public keys, which has no secret */
  async rotate(tenant: string, id: string, overlapMs: number, by: Actor, jwks?: ClientJwks): Promise<Issued> {
    const before = await this.find(tenant, id);
    if (!before) throw new Refused('NOT_FOUND', `Key ${id} not found.`);
    const secret = jwks === undefined ? newSecret(before.role ?? 'person') : undefined;
    const record = this.recording(tenant, by, before.person);
    const proof = secret === undefined ? { jwks } : { digest: digestOf(secret) };
    const view = await this.changed<KeyView>('rotate-key', { tenant, id, ...proof, overlapMs, record });
    const position = await this.record(tenant, record, 'rotated', view);
    return { view, ...(secret === undefined ? {} : { secret }), position };
  }

  /** A revocation is effective before it is recorded: an owner that is busy does not delay it. */
  async revoke(tenant: string, id: string, by: Actor): Promise<Omit<Issued, 'secret'>> {
    const record = this.recording(tenant, by, (await this.find(tenant, id))?.person);
    const view = await this.changed<KeyView>('revoke-key', { tenant, id, record });
    return { view, position: await this.record(tenant, record, 'revoked', view) };
  }

  /** Removes the name of an erased person, however it is written, from their keys that have ended. */
  async forget(tenant: string, personRef: string): Promise<void> {
    let page: PeopleOfKeys = { people: [], more: true };
    while (page.more) {
      const after = page.people.at(-1);
      page = await this.logClient.admin<PeopleOfKeys>('people-of-keys', {
        tenant,
        ...(after === undefined ? {} : { after }),
      });
      const people = page.people.filter((each) => this.pseudonyms.ref(tenant, 'person', each) === personRef);
      if (people.length > 0) await this.logClient.admin('forget-people', { tenant, people });
    }
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
    const record = this.recording(tenant, INSTALLATION, undefined);
    const views = await this.changed<KeyView[]>('issue-keys', { tenant, keys, mode, record });
    await this.recordSoon(tenant, record, views);
    return secrets;
  }

  /**
   * Records the keys of a tenant. If the owner of its log cannot do so now, `KeyRecords` of the delegation service does
   * later: the commands are stored with the keys, whose only copies would otherwise be lost with the response.
   */
  private async recordSoon(tenant: string, record: KeyRecording, views: readonly KeyView[]): Promise<void> {
    try {
      for (const view of views) await this.record(tenant, record, 'issued', view);
    } catch (error) {
      if (!(error instanceof Refused && LATER.has(error.code))) throw error;
    }
  }

  private async find(tenant: string, id: string): Promise<KeyView | undefined> {
    return (await this.list(tenant)).find((each) => each.id === id);
  }

  private recording(tenant: string, actor: Actor, person: string | undefined): KeyRecording {
    const personRef = person === undefined ? {} : { personRef: this.pseudonyms.ref(tenant, 'person', person) };
    return { commandId: `cmd_${randomUUID()}`, actor, ...personRef };
  }

  /**
   * Records a change, and returns the position of its event. A crash before it leaves the command in the store, from which
   * the owner of the log carries it out.
   */
  private async record(
    tenant: string,
    recording: KeyRecording,
    change: KeyChange['change'],
    view: KeyView,
  ): Promise<number> {
    const command = recordOf(tenant, recording, change, view);
    return (await this.logClient.command<{ position: number }>(command)).position;
  }

  private async changed<T>(op: string, body: Record<string, unknown>): Promise<T> {
    const value = await this.logClient.admin<T>(op, body);
    await this.keys.refresh();
    return value;
  }
}
