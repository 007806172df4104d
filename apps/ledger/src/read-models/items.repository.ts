import type { Order } from '@bailiwick/contracts/queries/search';
import { Any, Raw, type DataSource, type Repository } from 'typeorm';
import { LIMITS } from '@bailiwick/core/limits';
import { fromRaw } from '../database/from-raw';
import { ItemRow } from './entities/item';

/** The last row of a page. Lists are ordered by log, position and id, or against that order. */
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
  readonly order?: Order;
  /** at or after */
  readonly first: number;
  readonly before: number;
  readonly after: Omit<Place, 'log'>;
  readonly limit: number;
}

export interface ItemPage {
  readonly rows: ItemRow[];
  /** set if the bound was reached before the limit: more rows may follow this one */
  readonly next: Omit<Place, 'log'> | undefined;
}

/** Reads the rows of runs, grants, approvals and drift scores. */
export class ItemsRepository {
  private readonly rows: Repository<ItemRow>;

  constructor(source: DataSource) {
    this.rows = source.getRepository(ItemRow);
  }

  /** Returns the existing rows of several subjects. */
  byIds(log: string, kind: ItemRow['kind'], ids: readonly string[]): Promise<ItemRow[]> {
    return this.rows.findBy({ log, kind, id: Any(ids) });
  }

  /** Returns the rows of a kind, of a tenant or of one run. */
  ofTenant(kind: ItemRow['kind'], { tenant, run, limit }: ItemFilter): Promise<ItemRow[]> {
    return this.rows.find({
      where: {
        kind,
        log: Raw((log) => `starts_with(${log}, :logs)`, { logs: `${tenant}/` }),
        ...(run && { treeId: run.treeId, runId: run.id }),
      },
      order: { log: 'ASC', position: 'ASC', id: 'ASC' },
      take: limit,
    });
  }

  /** Returns the existing rows of the root runs of several trees. TypeORM cannot express the lateral join. */
  async roots(log: string, treeIds: readonly string[]): Promise<ItemRow[]> {
    return (await this.query(ROOTS, [log, treeIds])).map((row) => fromRaw(this.rows, row));
  }

  /**
   * Returns rows of one log, in the order of the events that created them, or against it. It skips at most `most` rows.
   *
   * The statements are written out because their plan depends on their form: the inner one reads a bounded range of the
   * index `item_listed` (or `item_tree`), which requires the generation as a value and the place as a pair.
   */
  async page(
    kind: ItemRow['kind'],
    log: string,
    { order, first, before, after, limit, treeId, ...columns }: RowFilter,
    most: number = LIMITS.positionsSeen,
  ): Promise<ItemPage> {
    const values: unknown[] = [kind, log, first, before, after.position, after.id];
    const [beyond, way] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC'];
    const ofTree = treeId === undefined ? '' : `AND tree_id = $${values.push(treeId)}`;
    const passed = `FROM ledger.all_item WHERE kind = $1 AND log = $2 AND gen = (SELECT gen FROM ledger.follower WHERE log = $2) AND position >= $3 AND position < $4 AND (position, id) ${beyond} ($5, $6) ${ofTree} ORDER BY position ${way}, id ${way}`;
    const shared = values.length;
    const where = COLUMNS.flatMap(([key, column]) =>
      columns[key] === undefined ? [] : [`${column} = $${values.push(columns[key])}`],
    );
    const found = await this.query(
      `SELECT * FROM (SELECT * ${passed} LIMIT ${most}) AS passed ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''} LIMIT $${values.push(limit)}`,
      values,
    );
    const rows = found.map((row) => fromRaw(this.rows, row));
    if (rows.length === limit) return { rows, next: undefined };
    const [last] = await this.rows.manager.query<{ position: string; id: string }[]>(
      `SELECT position, id ${passed} OFFSET ${most - 1} LIMIT 1`,
      values.slice(0, shared),
    );
    return { rows, next: last && { position: Number(last.position), id: last.id } };
  }

  private query(sql: string, values: unknown[]): Promise<Record<string, unknown>[]> {
    return this.rows.manager.query(sql, values);
  }
}

const COLUMNS = [
  ['status', 'status'],
  ['agentClass', 'agent_class'],
  ['runId', 'run_id'],
  ['grantId', 'grant_id'],
] as const;

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
