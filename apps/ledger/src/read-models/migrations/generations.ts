import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = [
  ['item', 'kind, id', 'log, kind, id, position, updated, tree_id, run_id, grant_id, agent_class, status, view'],
  ['piece', 'level, index', 'log, level, index, hashes'],
  [
    'consequence',
    'revocation_id, grant_id',
    'log, revocation_id, grant_id, run_id, agent_class, in_flight, pending_approvals, reserved_cost, position',
  ],
] as const;

/**
 * Adds generations of the read models: a rebuild writes a second set of rows next to the current one, and a column of the
 * follower's row selects the set in use. The views `ledger.item`, `ledger.piece` and `ledger.consequence` show that set.
 */
export class LedgerGenerations1764100000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE ledger.follower ADD COLUMN gen int NOT NULL DEFAULT 0');
    await runner.query('DROP INDEX ledger.item_listed, ledger.item_run');
    for (const [table, key, columns] of TABLES) {
      await runner.query(`ALTER TABLE ledger.${table} RENAME TO all_${table}`);
      await runner.query(`ALTER TABLE ledger.all_${table} ADD COLUMN gen int NOT NULL DEFAULT 0`);
      await runner.query(
        `ALTER TABLE ledger.all_${table} DROP CONSTRAINT ${table}_pkey, ADD PRIMARY KEY (log, gen, ${key})`,
      );
      const selected = columns.split(', ').map((column) => `t.${column}`);
      await runner.query(
        `CREATE VIEW ledger.${table} AS SELECT ${selected.join(', ')} FROM ledger.all_${table} AS t JOIN ledger.follower AS f ON f.log = t.log AND f.gen = t.gen`,
      );
      await runner.query(`GRANT SELECT ON ledger.${table} TO bailiwick_ledger`);
      await runner.query(`GRANT DELETE ON ledger.all_${table} TO bailiwick_ledger`);
    }
    await runner.query('CREATE INDEX item_listed ON ledger.all_item (log, gen, kind, position)');
    await runner.query('CREATE INDEX item_tree ON ledger.all_item (tree_id, kind, position) WHERE tree_id IS NOT NULL');
    await runner.query(`
      CREATE TABLE ledger.rebuild (
        log text PRIMARY KEY, gen int NOT NULL, position bigint NOT NULL,
        started timestamptz NOT NULL DEFAULT now(), ended timestamptz, told json)`);
    await runner.query('GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.rebuild TO bailiwick_ledger');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ledger.rebuild');
    for (const [table, key] of TABLES) {
      await runner.query(`DROP VIEW ledger.${table}`);
      await runner.query(
        `DELETE FROM ledger.all_${table} AS t USING ledger.follower AS f WHERE t.log = f.log AND t.gen <> f.gen`,
      );
      if (table === 'item') await runner.query('DROP INDEX ledger.item_listed, ledger.item_tree');
      await runner.query(
        `ALTER TABLE ledger.all_${table} DROP CONSTRAINT all_${table}_pkey, DROP COLUMN gen, ADD CONSTRAINT ${table}_pkey PRIMARY KEY (log, ${key})`,
      );
      await runner.query(`ALTER TABLE ledger.all_${table} RENAME TO ${table}`);
      await runner.query(`REVOKE DELETE ON ledger.${table} FROM bailiwick_ledger`);
    }
    await runner.query('ALTER TABLE ledger.follower DROP COLUMN gen');
    await runner.query('CREATE INDEX item_listed ON ledger.item (kind, log, position)');
    await runner.query('CREATE INDEX item_run ON ledger.item (run_id) WHERE run_id IS NOT NULL');
  }
}
