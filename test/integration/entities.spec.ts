import { Client } from 'pg';
import { Column, DataSource, Entity, type EntityMetadata } from 'typeorm';
import { migrate } from '@bailiwick/event-store/migrations/run';
import { Intent1760000200000 } from '../../apps/intent/src/migrations/1760000200000-progress';
import { ProgressRow } from '../../apps/intent/src/monitor/entities/progress';
import { ENTITIES } from '../../apps/ledger/src/database/data-source';
import { migrateSchema as migrateLedger } from '../../apps/ledger/src/migrate';
import { FollowerRow } from '../../apps/ledger/src/read-models/entities/follower';
import { eventLogDatabase, type EventLogDatabase } from '../support/eventlog-database';

/** The columns of every table and view of the services' schemas, as PostgreSQL describes them. */
const STORED = `
  SELECT n.nspname || '.' || c.relname AS relation, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
    c.relkind = 'v' AS view, NOT a.attnotnull AS nullable, a.attnum = ANY(coalesce(i.indkey::int2[], '{}')) AS key
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary
  WHERE n.nspname IN ('ledger', 'intent') AND c.relkind IN ('r', 'v')`;

interface StoredColumn {
  readonly relation: string;
  readonly name: string;
  readonly type: string;
  readonly view: boolean;
  readonly nullable: boolean;
  readonly key: boolean;
}
type Columns = Record<string, Record<string, string>>;

const described = (type: string, nullable: boolean, key: boolean): string =>
  [type, nullable ? 'null' : 'not null', ...(key ? ['key'] : [])].join(', ');
const base = (view: string): string => view.replace('.', '.all_');

/** Describes the database: a view's columns by those of its table, since PostgreSQL states no nullability for a view. */
async function ofDatabase(sql: Client): Promise<Columns> {
  const { rows: stored } = await sql.query<StoredColumn>(STORED);
  const columns: Columns = {};
  for (const each of stored) {
    const { nullable, key } = each.view
      ? (stored.find(({ relation, name }) => relation === base(each.relation) && name === each.name) ?? each)
      : each;
    (columns[each.relation] ??= {})[each.name] = described(each.type, nullable, key);
  }
  return columns;
}

/** Describes the entities. The table of a view has the view's columns and the generation. */
function ofEntities(source: DataSource, views: readonly string[]): Columns {
  const columns: Columns = {};
  for (const metadata of source.entityMetadatas) {
    const own = columnsOf(metadata, source);
    columns[metadata.tablePath] = own;
    if (views.includes(metadata.tablePath))
      columns[base(metadata.tablePath)] = { ...own, gen: described('integer', false, true) };
  }
  return columns;
}

const columnsOf = ({ columns }: EntityMetadata, { driver }: DataSource): Record<string, string> =>
  Object.fromEntries(
    columns.map((column) => {
      const type = driver.normalizeType(column);
      const full = type === 'numeric' ? `numeric(${column.precision},${column.scale ?? 0})` : type;
      return [column.databaseName, described(full, column.isNullable, column.isPrimary)];
    }),
  );

/** An entity with a column that no migration adds. */
@Entity({ schema: 'ledger', name: 'follower' })
class WiderRow extends FollowerRow {
  @Column({ type: 'text', nullable: true })
  readonly more!: string;
}

const connect = (url: string, entities: readonly (new () => object)[]): Promise<DataSource> =>
  new DataSource({ type: 'postgres', url, entities: [...entities], synchronize: false }).initialize();
const VIEWS = ['ledger.item', 'ledger.piece', 'ledger.consequence'];

describe('entities of the ledger and the intent monitor', () => {
  let database: EventLogDatabase;
  let source: DataSource;
  let sql: Client;
  beforeAll(async () => {
    database = await eventLogDatabase();
    await migrateLedger(database.url);
    await migrate(database.url, 'intent_migration', [Intent1760000200000]);
    sql = new Client({ connectionString: database.url });
    await sql.connect();
    source = await connect(database.url, [...ENTITIES, ProgressRow]);
  }, 120_000);
  afterAll(async () => {
    await source.destroy();
    await sql.end();
    await database.drop();
  });

  it('map every column of the migrated schema, with its type, nullability and key', async () => {
    expect(await ofDatabase(sql)).toEqual(ofEntities(source, VIEWS));
  });

  it('differ from the schema if an entity has a column that no migration adds', async () => {
    const others = ENTITIES.filter((each) => each !== FollowerRow);
    const wider = await connect(database.url, [...others, WiderRow, ProgressRow]);
    try {
      expect(await ofDatabase(sql)).not.toEqual(ofEntities(wider, VIEWS));
    } finally {
      await wider.destroy();
    }
  });

  it.each([
    ['is added to a table', 'ALTER TABLE ledger.checkpoint ADD COLUMN more text'],
    ['is added to the table of a view', 'ALTER TABLE ledger.all_item ADD COLUMN more text'],
    ['is dropped', 'ALTER TABLE ledger.rebuild DROP COLUMN ended'],
    ['allows NULL', 'ALTER TABLE ledger.cosignature ALTER COLUMN line DROP NOT NULL'],
    ['gets another type', 'ALTER TABLE intent.progress ALTER COLUMN since TYPE int'],
    ['belongs to a new table', 'CREATE TABLE intent.other (id text PRIMARY KEY)'],
  ])('differ from a schema in which a column %s', async (_change, statement) => {
    await sql.query('BEGIN TRANSACTION');
    try {
      await sql.query(statement);
      expect(await ofDatabase(sql)).not.toEqual(ofEntities(source, VIEWS));
    } finally {
      await sql.query('ROLLBACK');
    }
  });
});
