import 'reflect-metadata';
import { DataSource, type QueryRunner } from 'typeorm';
import type { StoredNode } from '#tlog/tree';

/** One row of the read models. `position` is that of the event that made it, `updated` of the newest that changed it. */
export interface ItemRow {
  readonly log: string;
  readonly kind: 'run' | 'grant' | 'action' | 'approval' | 'drift';
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
export interface CheckpointRow {
  readonly size: number;
  readonly root: Buffer;
  readonly note: string;
}
export interface ItemFilter {
  readonly tenant: string;
  readonly status?: string | undefined;
  readonly agentClass?: string | undefined;
  readonly treeId?: string | undefined;
  readonly runId?: string | undefined;
  readonly after?: { log: string; position: number; id: string } | undefined;
  /** the rows of outcomes, too, which stand beside those of their actions */
  readonly outcomes?: boolean | undefined;
  readonly limit: number;
}

/** The ledger's tables, through TypeORM. What a batch makes is written in one transaction with the follower's position. */
export class LedgerStore {
  private constructor(private readonly source: DataSource) {}

  static async open(url: string): Promise<LedgerStore> {
    const source = new DataSource({
      type: 'postgres',
      url,
      synchronize: false,
      applicationName: 'bailiwick-ledger',
      extra: { max: 6 },
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

  /** All or nothing. Dying inside: the batch is followed again from the position before it. */
  async write(
    log: string,
    from: number,
    next: number,
    made: { nodes: readonly StoredNode[]; items: readonly ItemRow[]; consequences: readonly ConsequenceRow[] },
  ): Promise<void> {
    await this.source.transaction(async ({ queryRunner }) => {
      const runner = queryRunner as QueryRunner;
      const moved = (await runner.query(MOVE, [log, from, next])) as { position: string }[];
      if (moved.length === 0) throw new Error(`another ledger has followed ${log} past ${from}`);
      await insertNodes(runner, log, made.nodes);
      await upsertItems(runner, made.items);
      for (const row of made.consequences) await runner.query(CONSEQUENCE, consequenceValues(row));
    });
  }

  async nodes(log: string, wanted: readonly { level: number; index: number }[]): Promise<Map<string, Buffer>> {
    const rows = await this.source.query<{ level: number; index: string; hash: Buffer }[]>(
      'SELECT node.level, node.index, hash FROM ledger.node JOIN unnest($2::int[], $3::bigint[]) AS w (level, index) ON node.level = w.level AND node.index = w.index WHERE log = $1',
      [log, wanted.map((each) => each.level), wanted.map((each) => each.index)],
    );
    return new Map(rows.map((row) => [`${row.level}/${row.index}`, row.hash]));
  }

  async saveCheckpoint(log: string, { size, root, note }: CheckpointRow): Promise<void> {
    await this.source.query(
      'INSERT INTO ledger.checkpoint (log, size, root, note) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
      [log, size, root, note],
    );
  }

  /** The smallest kept checkpoint that covers a size; without one, the newest. */
  async checkpoint(log: string, atLeast?: number): Promise<CheckpointRow | undefined> {
    const order = atLeast === undefined ? 'DESC' : 'ASC';
    const rows = await this.source.query<{ size: string; root: Buffer; note: string }[]>(
      `SELECT size, root, note FROM ledger.checkpoint WHERE log = $1 AND size >= $2 ORDER BY size ${order} LIMIT 1`,
      [log, atLeast ?? 0],
    );
    const row = rows[0];
    return row && { size: Number(row.size), root: row.root, note: row.note };
  }

  async checkpoints(log: string): Promise<CheckpointRow[]> {
    const rows = await this.source.query<{ size: string; root: Buffer; note: string }[]>(
      'SELECT size, root, note FROM ledger.checkpoint WHERE log = $1 ORDER BY size',
      [log],
    );
    return rows.map((row) => ({ size: Number(row.size), root: row.root, note: row.note }));
  }

  async items(kind: ItemRow['kind'], filter: ItemFilter): Promise<ItemRow[]> {
    const values: unknown[] = [kind, `${filter.tenant}/`];
    const where = ['kind = $1', 'starts_with(log, $2)'];
    // left out here, not by the reader: a page that is cut to size must not lose its successor
    if (filter.outcomes !== true) where.push("id NOT LIKE '%/outcome'");
    for (const [column, value] of [
      ['status', filter.status],
      ['agent_class', filter.agentClass],
      ['tree_id', filter.treeId],
      ['run_id', filter.runId],
    ] as const) {
      if (value !== undefined) where.push(`${column} = $${values.push(value)}`);
    }
    if (filter.after) {
      const { log, position, id } = filter.after;
      where.push(`(log, position, id) > ($${values.push(log)}, $${values.push(position)}, $${values.push(id)})`);
    }
    const rows = await this.source.query<DbItem[]>(
      `SELECT * FROM ledger.item WHERE ${where.join(' AND ')} ORDER BY log, position, id LIMIT $${values.push(filter.limit)}`,
      values,
    );
    return rows.map(fromDb);
  }

  async item(kind: ItemRow['kind'], tenant: string, id: string): Promise<ItemRow | undefined> {
    const rows = await this.source.query<DbItem[]>(
      'SELECT * FROM ledger.item WHERE kind = $1 AND starts_with(log, $2) AND id = $3',
      [kind, `${tenant}/`, id],
    );
    return rows[0] && fromDb(rows[0]);
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

/** Moves the follower only from where it stood: of two ledgers that follow one log, one goes on. */
const MOVE = `
INSERT INTO ledger.follower (log, position) VALUES ($1, $3)
ON CONFLICT (log) DO UPDATE SET position = $3 WHERE ledger.follower.position = $2
RETURNING position`;

async function insertNodes(runner: QueryRunner, log: string, nodes: readonly StoredNode[]): Promise<void> {
  await runner.query(
    'INSERT INTO ledger.node (log, level, index, hash) SELECT $1, l, i, h FROM unnest($2::int[], $3::bigint[], $4::bytea[]) AS n (l, i, h) ON CONFLICT DO NOTHING',
    [log, nodes.map((node) => node.level), nodes.map((node) => node.index), nodes.map((node) => node.hash)],
  );
}

/** Rows of one statement: a rule may strike any number of grants, and a statement has its limits. */
const ROWS_AT_ONCE = 2_000;

async function upsertItems(runner: QueryRunner, all: readonly ItemRow[]): Promise<void> {
  for (let from = 0; from < all.length; from += ROWS_AT_ONCE)
    await upsertSome(runner, all.slice(from, from + ROWS_AT_ONCE));
}

async function upsertSome(runner: QueryRunner, items: readonly ItemRow[]): Promise<void> {
  const column = (pick: (row: ItemRow) => unknown): unknown[] => items.map((row) => pick(row) ?? null);
  await runner.query(
    `INSERT INTO ledger.item (log, kind, id, position, updated, tree_id, run_id, grant_id, agent_class, status, view)
     SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::json[])
     ON CONFLICT (log, kind, id) DO UPDATE SET updated = excluded.updated, status = excluded.status, view = excluded.view, grant_id = excluded.grant_id`,
    [
      column((row) => row.log),
      column((row) => row.kind),
      column((row) => row.id),
      column((row) => row.position),
      column((row) => row.updated),
      column((row) => row.treeId),
      column((row) => row.runId),
      column((row) => row.grantId),
      column((row) => row.agentClass),
      column((row) => row.status),
      column((row) => JSON.stringify(row.view)),
    ],
  );
}

const CONSEQUENCE = `INSERT INTO ledger.consequence (log, revocation_id, grant_id, run_id, agent_class, in_flight, pending_approvals, reserved_cost, position)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`;
const consequenceValues = (row: ConsequenceRow): unknown[] => [
  row.log,
  row.revocationId,
  row.grantId,
  row.runId,
  row.agentClass,
  row.inFlight,
  row.pendingApprovals,
  JSON.stringify(row.reservedCost),
  row.position,
];

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
