import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { databaseWaits } from '@bailiwick/event-store/postgres/waits';
import { LIMITS } from '@bailiwick/core/limits';
import { piecesFor, readPieces, type Piece } from '@bailiwick/transparency-log/pieces';
import type { Node, ReadNode } from '@bailiwick/transparency-log/tree';
import { rebuildStatus, type RebuildStatus } from './rebuild/status';
import { Heads } from '../transparency/heads';
import { Kept } from '../verification/kept';

/** One row of the read models. `position` is that of the event that created it, `updated` of the newest that changed it. */
export interface ItemRow {
  readonly log: string;
  readonly kind: 'run' | 'grant' | 'approval' | 'drift';
  readonly id: string;
  readonly position: number;
  readonly updated: number;
  readonly treeId: string | undefined;
  readonly runId: string | undefined;
  readonly grantId: string | undefined;
  readonly agentClass: string | undefined;
  readonly status: string;
  readonly view: unknown;
}
export interface ConsequenceRow {
  readonly log: string;
  readonly revocationId: string;
  readonly grantId: string;
  readonly runId: string;
  readonly agentClass: string;
  readonly inFlight: number;
  readonly pendingApprovals: number;
  readonly reservedCost: Record<string, number>;
  readonly position: number;
}
/** The last row of a page. Lists are ordered by log, position and id. */
export interface Place {
  readonly log: string;
  readonly position: number;
  readonly id: string;
}
export interface ItemFilter {
  readonly tenant: string;
  /** with its tree, which has an index; runs have none */
  readonly run?: { readonly id: string; readonly treeId: string } | undefined;
  readonly limit: number;
}
/** Selects rows of one log and kind by their columns and a range of positions. */
export interface RowFilter {
  readonly status?: string | undefined;
  readonly agentClass?: string | undefined;
  readonly treeId?: string | undefined;
  readonly runId?: string | undefined;
  readonly grantId?: string | undefined;
  /** at or after */
  readonly first: number;
  readonly before: number;
  readonly after: Omit<Place, 'log'>;
  readonly limit: number;
}

/** The ledger's tables, through TypeORM. The rows of a batch and the position of the follower are written in one transaction. */
export class LedgerStore {
  /** signed heads and their cosignatures */
  readonly heads: Heads;
  /** the stored data as verification reads it */
  readonly kept: Kept;

  private constructor(private readonly source: DataSource) {
    this.heads = new Heads(source);
    this.kept = new Kept(source);
  }

  static async open(url: string): Promise<LedgerStore> {
    const source = new DataSource({
      type: 'postgres',
      url,
      synchronize: false,
      applicationName: 'bailiwick-ledger',
      extra: { max: 6, ...databaseWaits() },
    });
    await source.initialize();
    return new LedgerStore(source);
  }

  close(): Promise<void> {
    return this.source.destroy();
  }

  async position(log: string): Promise<number> {
    const rows = await this.source.query<{ position: string }[]>(
      'SELECT position FROM ledger.follower WHERE log = $1',
      [log],
    );
    return Number(rows[0]?.position ?? 0);
  }

  /**
   * Writes a batch completely or not at all, and only if the stored position is `from`. After a crash the follower
   * repeats the batch from that position. Most batches are one statement, and so one round trip.
   */
  async write(log: string, from: number, next: number, made: Made): Promise<void> {
    const by: Writer = {
      move: MOVE_LIVE,
      run: (sql, values) => this.source.query(sql, values),
      together: (work) =>
        this.source.transaction((manager) => work((sql, values) => manager.query<unknown[]>(sql, values))),
    };
    await writeMade(by, log, from, next, made);
  }

  /** Reads nodes of the tree. The returned reader has only those of the wanted nodes that are stored. */
  async nodes(log: string, wanted: readonly Node[]): Promise<ReadNode> {
    const pieces = piecesFor(wanted);
    const rows = await this.source.query<{ level: number; index: string; hashes: Buffer }[]>(PIECES, [
      log,
      pieces.map((each) => each.level),
      pieces.map((each) => each.index),
    ]);
    return readPieces(rows.map(({ level, index, hashes }) => ({ level, index: Number(index), hashes })));
  }

  /** Returns the row of one subject; undefined if it never existed. */
  async place(log: string, kind: ItemRow['kind'], id: string): Promise<ItemRow | undefined> {
    return (await this.places(log, kind, [id]))[0];
  }

  /** Returns the existing rows of several subjects. */
  async places(log: string, kind: ItemRow['kind'], ids: readonly string[]): Promise<ItemRow[]> {
    const rows = await this.source.query<DbItem[]>(
      'SELECT * FROM ledger.item WHERE log = $1 AND kind = $2 AND id = ANY($3)',
      [log, kind, ids],
    );
    return rows.map(fromDb);
  }

  /** Returns the existing rows of the root runs of several trees. */
  async roots(log: string, treeIds: readonly string[]): Promise<ItemRow[]> {
    return (await this.source.query<DbItem[]>(ROOTS, [log, treeIds])).map(fromDb);
  }

  /** Returns the rows of a kind, of a tenant or of one run. */
  async items(kind: ItemRow['kind'], { tenant, run, limit }: ItemFilter): Promise<ItemRow[]> {
    const rows = await this.source.query<DbItem[]>(
      'SELECT * FROM ledger.item WHERE kind = $1 AND starts_with(log, $2) AND ($3::text IS NULL OR (tree_id = $3 AND run_id = $4)) ORDER BY log, position, id LIMIT $5',
      [kind, `${tenant}/`, run?.treeId ?? null, run?.id ?? null, limit],
    );
    return rows.map(fromDb);
  }

  /**
   * Returns rows of one log, in the order of the events that created them. It skips at most `most` rows.
   * @returns `next`: set if that bound was reached before `limit` rows were found; more rows may follow it
   */
  async rows(
    kind: ItemRow['kind'],
    log: string,
    { first, before, after, limit, treeId, ...columns }: RowFilter,
    most: number = LIMITS.positionsSeen,
  ): Promise<{ rows: ItemRow[]; next: Omit<Place, 'log'> | undefined }> {
    const values: unknown[] = [kind, log, first, before, after.position, after.id];
    const ofTree = treeId === undefined ? '' : `AND tree_id = $${values.push(treeId)}`;
    const passed = `FROM ledger.all_item WHERE kind = $1 AND log = $2 AND gen = (SELECT gen FROM ledger.follower WHERE log = $2) AND position >= $3 AND position < $4 AND (position, id) > ($5, $6) ${ofTree} ORDER BY position, id`;
    const shared = values.length;
    const where = COLUMNS.flatMap(([key, column]) =>
      columns[key] === undefined ? [] : [`${column} = $${values.push(columns[key])}`],
    );
    const rows = await this.source.query<DbItem[]>(
      `SELECT * FROM (SELECT * ${passed} LIMIT ${most}) AS passed ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} LIMIT $${values.push(limit)}`,
      values,
    );
    if (rows.length === limit) return { rows: rows.map(fromDb), next: undefined };
    const [last] = await this.source.query<{ position: string; id: string }[]>(
      `SELECT position, id ${passed} OFFSET ${most - 1} LIMIT 1`,
      values.slice(0, shared),
    );
    return { rows: rows.map(fromDb), next: last && { position: Number(last.position), id: last.id } };
  }

  /** Returns the status of the latest rebuild of a log; undefined if there was none. */
  rebuildStatus(log: string): Promise<RebuildStatus | undefined> {
    return rebuildStatus((sql, values) => this.source.query(sql, values), log);
  }

  async consequences(tenant: string, revocationId: string): Promise<ConsequenceRow[]> {
    const rows = await this.source.query<Record<string, never>[]>(
      'SELECT * FROM ledger.consequence WHERE starts_with(log, $1) AND revocation_id = $2 ORDER BY log, grant_id',
      [`${tenant}/`, revocationId],
    );
    return rows.map((row: Record<string, unknown>) => ({
      log: String(row.log),
      revocationId,
      grantId: String(row.grant_id),
      runId: String(row.run_id),
      agentClass: String(row.agent_class),
      inFlight: Number(row.in_flight),
      pendingApprovals: Number(row.pending_approvals),
      reservedCost: row.reserved_cost as Record<string, number>,
      position: Number(row.position),
    }));
  }
}

const COLUMNS = [
  ['status', 'status'],
  ['agentClass', 'agent_class'],
  ['runId', 'run_id'],
  ['grantId', 'grant_id'],
] as const;

/** The rows and pieces derived from a batch of events. */
export interface Made {
  readonly pieces: readonly Piece[];
  readonly items: readonly ItemRow[];
  readonly consequences: readonly ConsequenceRow[];
}

/** Maximum rows of one statement: a rule may revoke any number of grants, and the size of a statement is limited. */
const ROWS_AT_ONCE = 2_000;

/** Splits a batch into parts that fit into one statement each; the first part contains the pieces of the tree. */
function parts({ pieces, items, consequences }: Made): [Made, ...Made[]] {
  const part = (at: number): Made => ({
    pieces: at === 0 ? pieces : [],
    items: items.slice(at, at + ROWS_AT_ONCE),
    consequences: consequences.slice(at, at + ROWS_AT_ONCE),
  });
  const more: Made[] = [];
  for (let at = ROWS_AT_ONCE; at < Math.max(items.length, consequences.length); at += ROWS_AT_ONCE) more.push(part(at));
  return [part(0), ...more];
}

type Run = (sql: string, values: unknown[]) => Promise<unknown[]>;
/** Executes the statements that write a batch. */
export interface Writer {
  /** the statement that advances the position: `MOVE_LIVE` or `MOVE_REBUILT` */
  readonly move: string;
  /** the parameters of that statement in addition to log, `from` and `next` */
  readonly more?: readonly unknown[];
  readonly run: Run;
  /** runs several statements in one transaction */
  together(work: (run: Run) => Promise<void>): Promise<void>;
}

/** Writes a batch completely or not at all, and only if the stored position is `from`. */
export async function writeMade(by: Writer, log: string, from: number, next: number, made: Made): Promise<void> {
  const [first, ...rest] = parts(made);
  if (rest.length === 0) return writePart(by, by.run, log, from, next, first);
  await by.together(async (run) => {
    await writePart(by, run, log, from, next, first);
    for (const part of rest) await writePart(by, run, log, next, next, part);
  });
}

async function writePart(
  { move, more = [] }: Writer,
  run: Run,
  log: string,
  from: number,
  next: number,
  { pieces, items, consequences }: Made,
): Promise<void> {
  const moved = await run(writing(move), [
    log,
    from,
    next,
    pieces.map((each) => each.level),
    pieces.map((each) => each.index),
    pieces.map((each) => each.hashes),
    // a view is a text within the text: the server cannot parse \u0000 in JSON, but stores it unchanged in a text
    JSON.stringify(items.map((row) => ({ ...row, view: JSON.stringify(row.view) }))),
    JSON.stringify(consequences),
    ...more,
  ]);
  if (moved.length === 0) throw new Error(`another ledger has followed ${log} past ${from}`);
}

/** Reads each piece by its key even without table statistics, so that the cost does not grow with the log. */
const PIECES = `
  SELECT wanted.level, wanted.index, hashes
  FROM unnest($2::int[], $3::bigint[]) AS wanted (level, index) CROSS JOIN LATERAL (
    SELECT hashes FROM ledger.piece WHERE log = $1 AND level = wanted.level AND index = wanted.index LIMIT 1
  ) AS piece`;

/**
 * Reads the oldest run of each tree. The log is compared by an expression that no index matches: without table statistics
 * the server would choose an index that starts with the log, and read all runs of the log for each tree.
 */
const ROOTS = `
  SELECT root.*
  FROM unnest($2::text[]) AS wanted (tree_id) CROSS JOIN LATERAL (
    SELECT * FROM ledger.all_item
    WHERE tree_id = wanted.tree_id AND kind = 'run' AND log || '' = $1
      AND gen = (SELECT gen FROM ledger.follower WHERE log = $1)
    ORDER BY position LIMIT 1
  ) AS root`;

/**
 * Advances the follower, only from `from`: of two ledgers that follow one log, one succeeds. `form` is the format of the
 * rows; a release that writes an earlier format does not set it.
 */
const MOVE_LIVE = `
  INSERT INTO ledger.follower (log, position, form)
  SELECT $1, $3::bigint, 2 WHERE $2::bigint = 0 OR EXISTS (SELECT FROM ledger.follower WHERE log = $1)
  ON CONFLICT (log) DO UPDATE SET position = excluded.position WHERE ledger.follower.position = $2
  RETURNING gen`;
/** Advances a rebuild, of the generation `$9`. */
export const MOVE_REBUILT = `
  UPDATE ledger.rebuild SET position = $3::bigint WHERE log = $1 AND position = $2::bigint AND gen = $9 AND ended IS NULL
  RETURNING gen`;

/**
 * Writes only if the follower advanced, so that each hash is appended to a piece once, in the generation that advanced.
 * The commit does not wait for the disk: if a crash of the server loses it, the follower repeats it from the log.
 */
const writing = (move: string): string => `
WITH moved AS (${move}, set_config('synchronous_commit', 'off', true)
), pieces AS (
  INSERT INTO ledger.all_piece AS old (log, gen, level, index, hashes)
  SELECT $1, gen, p.* FROM moved, unnest($4::int[], $5::bigint[], $6::bytea[]) AS p
  ON CONFLICT (log, gen, level, index) DO UPDATE SET hashes = old.hashes || excluded.hashes
), items AS (
  INSERT INTO ledger.all_item (log, gen, kind, id, position, updated, tree_id, run_id, grant_id, agent_class, status, view)
  SELECT $1, gen, kind, id, i.position, updated, "treeId", "runId", "grantId", "agentClass", status, view::json
  FROM moved, json_to_recordset($7::json) AS i (
    kind text, id text, position bigint, updated bigint,
    "treeId" text, "runId" text, "grantId" text, "agentClass" text, status text, view text)
  ON CONFLICT (log, gen, kind, id) DO UPDATE
  SET updated = excluded.updated, status = excluded.status, view = excluded.view, grant_id = excluded.grant_id
), consequences AS (
  INSERT INTO ledger.all_consequence (log, gen, revocation_id, grant_id, run_id, agent_class, in_flight, pending_approvals, reserved_cost, position)
  SELECT $1, gen, c.* FROM moved, json_to_recordset($8::json) AS c (
    "revocationId" text, "grantId" text, "runId" text, "agentClass" text,
    "inFlight" int, "pendingApprovals" int, "reservedCost" json, position bigint)
  ON CONFLICT DO NOTHING
)
SELECT FROM moved`;

interface DbItem {
  log: string;
  kind: ItemRow['kind'];
  id: string;
  position: string;
  updated: string;
  tree_id: string | null;
  run_id: string | null;
  grant_id: string | null;
  agent_class: string | null;
  status: string;
  view: unknown;
}

const fromDb = (row: DbItem): ItemRow => ({
  log: row.log,
  kind: row.kind,
  id: row.id,
  position: Number(row.position),
  updated: Number(row.updated),
  treeId: row.tree_id ?? undefined,
  runId: row.run_id ?? undefined,
  grantId: row.grant_id ?? undefined,
  agentClass: row.agent_class ?? undefined,
  status: row.status,
  view: row.view,
});
