import type { ClientJwks } from '@bailiwick/contracts/keys/client-keys';
import type { HeldKey, KeyChanges, KeyRole, KeyView, NewKey, PeopleOfKeys } from '@bailiwick/contracts/keys/key';
import type { KeyChange } from '@bailiwick/contracts/keys/key-change';
import type { KeyRecording } from '@bailiwick/contracts/keys/key-recording';
import { recordOf } from '@bailiwick/contracts/keys/key-record';
import type { CommandOf } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import { Pool, type PoolClient } from 'pg';
import { databaseWaits } from './waits';

/** Why a change of keys is refused, for the sender. */
export interface KeyRefusal {
  readonly code: 'NOT_FOUND' | 'CONFLICT' | 'TOO_MANY';
  readonly detail: string;
}
type Changed<T> = Result<T, KeyRefusal>;

/** Secrets of one key that are valid at one time: the last rotations. */
const SECRETS = 4;
const STATEMENT_MS = 5_000;

/** API keys in PostgreSQL. Reports of use are no changes: they take no version and wait for no disk. */
export class PostgresKeys {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 2,
      application_name: 'bailiwick-keys',
      ...databaseWaits(STATEMENT_MS),
    });
    this.pool.on('error', () => undefined); // the next query reports it
  }

  /** Returns the keys that changed after a version, oldest change first. */
  async changes(after: number): Promise<KeyChanges> {
    const { rows } = await this.pool.query<HeldRow>({ name: 'key-changes', text: CHANGES, values: [after, PAGE + 1] });
    // the keys of one change are in one page
    const cut = rows[PAGE]?.version;
    const page = cut === undefined ? rows : rows.filter(({ version }) => version !== cut);
    const version = Number(page[page.length - 1]?.version ?? after);
    return { version, keys: page.map(held), more: cut !== undefined };
  }

  async used(reports: readonly { id: string; at: string }[]): Promise<void> {
    if (reports.length === 0) return;
    await this.pool.query(USED, [reports.map(({ id }) => id), reports.map(({ at }) => at)]);
  }

  /** Returns the keys of a tenant: live ones by name, then those that ended, newest first. */
  async list(tenant: string): Promise<KeyView[]> {
    const { rows } = await this.pool.query<ViewRow>(LIST, [tenant, LIMITS.keys.perTenant + LIMITS.keys.endedKept]);
    return rows.map(view);
  }

  /**
   * Issues keys: all of them or none. A repeated request issues nothing more.
   * @param record how the change is recorded; as for the other changes, it is stored with it
   */
  issue(
    tenant: string,
    keys: readonly NewKey[],
    mode?: 'create' | 'reissue',
    record?: KeyRecording,
  ): Promise<Changed<KeyView[]>> {
    return this.change(async (client, version) => {
      const known = await views(
        client,
        tenant,
        keys.map(({ id }) => id),
      );
      if (known.length === keys.length) return ok(known);
      await client.query(END_EXPIRED, [tenant, version]);
      const { rows } = await client.query<{ id: string; name: string }>(
        'SELECT id, name FROM access_key WHERE tenant = $1 AND revoked_at IS NULL',
        [tenant],
      );
      const refusal = issueRefusal(tenant, rows, keys, mode);
      if (refusal) return err(refusal);
      const replaced = rows.filter(({ name }) => keys.some((key) => key.name === name)).map(({ id }) => id);
      if (mode === 'reissue') {
        await client.query(REVOKE_ALL, [replaced, version]);
        await unrecorded(client, tenant, record, 'revoked', await views(client, tenant, replaced));
      }
      for (const key of keys) await insert(client, tenant, key, version);
      await client.query(PRUNE, [tenant, LIMITS.keys.endedKept]);
      const issued = await views(
        client,
        tenant,
        keys.map(({ id }) => id),
      );
      await unrecorded(client, tenant, record, 'issued', issued);
      return ok(issued);
    });
  }

  /** Adds a secret to a key. Its earlier ones end after the overlap, or earlier if an earlier rotation states so. */
  rotate(
    tenant: string,
    id: string,
    digest: string,
    overlapMs: number,
    record?: KeyRecording,
  ): Promise<Changed<KeyView>> {
    return this.change(async (client, version) => {
      const known = await client.query<JwksRow>(`${LIVE} FOR UPDATE`, [tenant, id]);
      if (!known.rows[0]) return err(notFound(id));
      if (known.rows[0].jwks !== null) return err(hasOther(id, 'public keys; send jwks'));
      const repeated = await client.query('SELECT FROM access_key_secret WHERE key = $1 AND digest = $2', [id, digest]);
      if (repeated.rowCount === 1) return ok((await views(client, tenant, [id]))[0] as KeyView);
      await client.query(
        `UPDATE access_key_secret SET until = least(until, clock_timestamp() + $2 * interval '1 millisecond') WHERE key = $1`,
        [id, overlapMs],
      );
      await client.query('DELETE FROM access_key_secret WHERE key = $1 AND until <= clock_timestamp()', [id]);
      const { rowCount } = await client.query('SELECT FROM access_key_secret WHERE key = $1', [id]);
      if ((rowCount ?? 0) >= SECRETS)
        return err({
          code: 'TOO_MANY',
          detail: `${SECRETS} secrets of key ${id} are valid; wait for the end of an overlap`,
        });
      await client.query('INSERT INTO access_key_secret (digest, key) VALUES ($1, $2)', [digest, id]);
      await client.query('UPDATE access_key SET rotated_at = clock_timestamp(), version = $2 WHERE id = $1', [
        id,
        version,
      ]);
      const rotated = await views(client, tenant, [id]);
      await unrecorded(client, tenant, record, 'rotated', rotated);
      return ok(rotated[0] as KeyView);
    });
  }

  /** Replaces the public keys of a client at once. Repeating it changes nothing. */
  replaceJwks(tenant: string, id: string, jwks: ClientJwks, record?: KeyRecording): Promise<Changed<KeyView>> {
    return this.change(async (client, version) => {
      const known = await client.query<JwksRow>(`${LIVE} FOR UPDATE`, [tenant, id]);
      if (!known.rows[0]) return err(notFound(id));
      if (known.rows[0].jwks === null) return err(hasOther(id, 'a secret; leave out jwks'));
      await client.query(
        'UPDATE access_key SET jwks = $3, rotated_at = clock_timestamp(), version = $2 WHERE id = $1',
        [id, version, JSON.stringify(jwks)],
      );
      const replaced = await views(client, tenant, [id]);
      await unrecorded(client, tenant, record, 'rotated', replaced);
      return ok(replaced[0] as KeyView);
    });
  }

  /** Ends a key at once. Repeating it changes nothing. */
  revoke(tenant: string, id: string, record?: KeyRecording): Promise<Changed<KeyView>> {
    return this.change(async (client, version) => {
      const found = await views(client, tenant, [id]);
      if (!found[0]) return err(notFound(id));
      if (found[0].revokedAt === undefined) await client.query(REVOKE_ALL, [[id], version]);
      const revoked = await views(client, tenant, [id]);
      await unrecorded(client, tenant, record, 'revoked', revoked);
      return ok(revoked[0] as KeyView);
    });
  }

  /** Takes over the keys of an earlier release; those that are known stay as they are, also if they were revoked. */
  async takeOver(keys: readonly { id: string; tenant: string; role: string; digest: string }[]): Promise<void> {
    const taken = await this.change(async (client, version) => {
      for (const { id, tenant, role, digest } of keys) {
        const { rowCount } = await client.query(
          `INSERT INTO access_key (id, tenant, name, role, version)
           SELECT $1, $2, $3, $3, $4 WHERE (SELECT count(*) FROM access_key_secret WHERE digest = $5) = 0
           ON CONFLICT DO NOTHING`,
          [id, tenant, role, version, digest],
        );
        if (rowCount === 1)
          await client.query('INSERT INTO access_key_secret (digest, key) VALUES ($1, $2)', [digest, id]);
      }
      return ok(undefined);
    });
    if (!taken.ok) throw new Error(taken.error.detail);
  }

  /**
   * Returns the names of people on the keys of a tenant, each once: the next page after one of them. The gateway finds a
   * person among them by ref, since it alone knows which spellings are one person.
   */
  async people(tenant: string, after = ''): Promise<PeopleOfKeys> {
    const { rows } = await this.pool.query<{ person: string }>(
      'SELECT DISTINCT person FROM access_key WHERE tenant = $1 AND person > $2 ORDER BY person LIMIT $3',
      [tenant, after, PAGE + 1],
    );
    return { people: rows.slice(0, PAGE).map(({ person }) => person), more: rows.length > PAGE };
  }

  /** Removes names of people, as they are written, from keys that have ended, here and at the gateways. */
  async forget(tenant: string, people: readonly string[]): Promise<void> {
    await this.change(async (client, version) => {
      // a gateway whose clock is behind must not take an expired key without its person for that of a service
      await client.query(END_EXPIRED, [tenant, version]);
      await client.query(
        `UPDATE access_key SET person = NULL, version = $3
         WHERE tenant = $1 AND person = ANY($2) AND revoked_at IS NOT NULL`,
        [tenant, people, version],
      );
      return ok(undefined);
    });
  }

  /** Returns changes that are not known to be recorded in these logs, some at a time. */
  async unrecorded(logs: readonly string[]): Promise<CommandOf<'recordKey'>[]> {
    const { rows } = await this.pool.query<{ command: CommandOf<'recordKey'> }>({
      name: 'unrecorded-keys',
      text: 'SELECT command FROM key_record WHERE log = ANY($1) LIMIT $2',
      values: [logs, PAGE],
    });
    return rows.map(({ command }) => command);
  }

  /** Marks a change as recorded. */
  async recorded({ commandId }: CommandOf<'recordKey'>): Promise<void> {
    await this.pool.query('DELETE FROM key_record WHERE command_id = $1', [commandId]);
  }

  close(): Promise<void> {
    return this.pool.end();
  }

  /** Runs one change in a transaction that has the next version; a refusal changes nothing. */
  private async change<T>(work: (client: PoolClient, version: number) => Promise<Changed<T>>): Promise<Changed<T>> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const { rows } = await client.query<{ n: string }>('UPDATE access_key_version SET n = n + 1 RETURNING n');
      const done = await work(client, Number(rows[0]?.n));
      await client.query(done.ok ? 'COMMIT' : 'ROLLBACK');
      return done;
    } catch (error) {
      broken = error as Error; // the connection is closed, which ends the transaction
      throw error;
    } finally {
      client.release(broken);
    }
  }
}

const PAGE = LIMITS.keys.page;

function issueRefusal(
  tenant: string,
  live: readonly { name: string }[],
  keys: readonly NewKey[],
  mode: 'create' | 'reissue' | undefined,
): KeyRefusal | undefined {
  if (mode === 'reissue') return live.length === 0 ? noKeysYet(tenant) : undefined;
  if (mode === 'create' && live.length > 0)
    return {
      code: 'CONFLICT',
      detail: `Tenant ${tenant} already exists. If the response with its keys was lost, send "reissue": true for new keys.`,
    };
  const taken = keys.find(({ name }) => live.some((each) => each.name === name));
  if (taken)
    return { code: 'CONFLICT', detail: `a live key named ${taken.name} exists; rotate or revoke it, or name another` };
  if (live.length + keys.length > LIMITS.keys.perTenant)
    return { code: 'TOO_MANY', detail: `a tenant has at most ${LIMITS.keys.perTenant} keys; revoke one first` };
  return undefined;
}

const noKeysYet = (tenant: string): KeyRefusal => ({
  code: 'NOT_FOUND',
  detail: `tenant ${tenant} has no keys yet; leave out "reissue" to create it`,
});
const notFound = (id: string): KeyRefusal => ({ code: 'NOT_FOUND', detail: `Key ${id} not found.` });

const hasOther = (id: string, what: string): KeyRefusal => ({ code: 'CONFLICT', detail: `key ${id} has ${what}` });

async function insert(client: PoolClient, tenant: string, key: NewKey, version: number): Promise<void> {
  const { id, name, role, person, groups, expiresAt, createdBy, digest, jwks } = key;
  await client.query(
    `INSERT INTO access_key (id, tenant, name, role, person, groups, expires_at, created_by, version, jwks)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [id, tenant, name, role, person, groups, expiresAt, createdBy, version, jwks && JSON.stringify(jwks)],
  );
  if (digest !== undefined)
    await client.query('INSERT INTO access_key_secret (digest, key) VALUES ($1, $2)', [digest, id]);
}

/** Stores the commands that record changes of keys, in the transaction of the changes. */
async function unrecorded(
  client: PoolClient,
  tenant: string,
  record: KeyRecording | undefined,
  change: KeyChange['change'],
  keys: readonly KeyView[],
): Promise<void> {
  for (const key of record ? keys : []) {
    const command = recordOf(tenant, record as KeyRecording, change, key);
    await client.query('INSERT INTO key_record (command_id, log, command) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', [
      command.commandId,
      command.log,
      JSON.stringify(command),
    ]);
  }
}

async function views(client: PoolClient, tenant: string, ids: readonly string[]): Promise<KeyView[]> {
  const { rows } = await client.query<ViewRow>(VIEWS, [tenant, ids]);
  return ids.flatMap((id) => rows.filter((row) => row.id === id).map(view));
}

interface JwksRow {
  readonly jwks: ClientJwks | null;
}
interface HeldRow extends JwksRow {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly role: KeyRole | null;
  readonly person: string | null;
  readonly groups: string[] | null;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly version: string;
  readonly secrets: { digest: string; until: string | null }[];
}
interface ViewRow extends Omit<HeldRow, 'secrets' | 'version' | 'tenant'> {
  readonly created_at: Date;
  readonly created_by: string | null;
  readonly rotated_at: Date | null;
  readonly last_used_at: Date | null;
  readonly overlap_until: Date | null;
  readonly expired: boolean;
}

const held = (row: HeldRow): HeldKey => ({
  id: row.id,
  tenant: row.tenant,
  name: row.name,
  ...(row.role === null ? {} : { role: row.role }),
  ...(row.person === null ? {} : { person: row.person }),
  ...(row.groups === null ? {} : { groups: row.groups }),
  ...timeOf('expiresAt', row.expires_at),
  ...(row.jwks === null ? {} : { jwks: row.jwks }),
  revoked: row.revoked_at !== null,
  secrets: row.secrets.map(({ digest, until }) => ({
    digest,
    ...(until === null ? {} : timeOf('until', new Date(until))),
  })),
});

const view = (row: ViewRow): KeyView => ({
  id: row.id,
  name: row.name,
  ...(row.role === null ? {} : { role: row.role }),
  ...(row.person === null ? {} : { person: row.person }),
  ...(row.groups === null ? {} : { groups: row.groups }),
  ...(row.jwks === null ? {} : { jwks: row.jwks }),
  createdAt: row.created_at.toISOString(),
  ...(row.created_by === null ? {} : { createdBy: row.created_by }),
  ...timeOf('expiresAt', row.expires_at),
  ...timeOf('rotatedAt', row.rotated_at),
  ...timeOf('overlapUntil', row.overlap_until),
  ...timeOf('revokedAt', row.revoked_at),
  ...timeOf('lastUsedAt', row.last_used_at),
  status: row.revoked_at ? 'revoked' : row.expired ? 'expired' : 'active',
});

const timeOf = <K extends string>(name: K, at: Date | null): Partial<Record<K, string>> =>
  at === null ? {} : ({ [name]: at.toISOString() } as Partial<Record<K, string>>);

const CHANGES = `
SELECT id, tenant, name, role, person, groups, jwks, expires_at, revoked_at, version,
  (SELECT coalesce(json_agg(json_build_object('digest', digest, 'until', until)), '[]') FROM access_key_secret WHERE key = id) AS secrets
FROM access_key WHERE version > $1 ORDER BY version, id LIMIT $2`;

const VIEW = `
SELECT id, name, role, person, groups, jwks, created_at, created_by, expires_at, rotated_at, revoked_at, last_used_at,
  coalesce(expires_at <= clock_timestamp(), false) AS expired,
  (SELECT max(until) FROM access_key_secret WHERE key = id AND until > clock_timestamp()) AS overlap_until
FROM access_key`;
const VIEWS = `${VIEW} WHERE tenant = $1 AND id = ANY($2)`;
const LIST = `${VIEW} WHERE tenant = $1 ORDER BY revoked_at IS NOT NULL, revoked_at DESC, name LIMIT $2`;
const LIVE = 'SELECT jwks FROM access_key WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL';

/** A key that has expired does not occupy its name. */
const END_EXPIRED =
  'UPDATE access_key SET revoked_at = expires_at, version = $2 WHERE tenant = $1 AND revoked_at IS NULL AND expires_at <= clock_timestamp()';

const REVOKE_ALL = 'UPDATE access_key SET revoked_at = clock_timestamp(), version = $2 WHERE id = ANY($1)';

/**
 * A gateway that has read a removed row keeps its key as revoked. Keys of an earlier release stay, or their file could bring
 * them back.
 */
const PRUNE = `
DELETE FROM access_key WHERE id IN (
  SELECT id FROM access_key WHERE tenant = $1 AND revoked_at < clock_timestamp() - interval '30 days' AND created_by IS NOT NULL
  ORDER BY revoked_at DESC OFFSET $2)`;

const USED = `
UPDATE access_key SET last_used_at = greatest(last_used_at, report.at)
FROM unnest($1::text[], $2::timestamptz[]) AS report (id, at) WHERE access_key.id = report.id`;
