import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Creates the ledger's tables: Merkle nodes, signed heads, read models, and the position of the follower. */
export class Ledger1760000100000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE ledger.follower (log text PRIMARY KEY, position bigint NOT NULL)');
    await runner.query(
      'CREATE TABLE ledger.node (log text NOT NULL, level int NOT NULL, index bigint NOT NULL, hash bytea NOT NULL, PRIMARY KEY (log, level, index))',
    );
    await runner.query(
      'CREATE TABLE ledger.checkpoint (log text NOT NULL, size bigint NOT NULL, root bytea NOT NULL, note text NOT NULL, made timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (log, size))',
    );
    await runner.query(`
      CREATE TABLE ledger.item (
        log text NOT NULL, kind text NOT NULL, id text NOT NULL,
        position bigint NOT NULL, updated bigint NOT NULL,
        tree_id text, run_id text, grant_id text, agent_class text, status text NOT NULL, view json NOT NULL,
        PRIMARY KEY (log, kind, id))`);
    await runner.query('CREATE INDEX item_listed ON ledger.item (kind, log, position)');
    await runner.query('CREATE INDEX item_run ON ledger.item (run_id) WHERE run_id IS NOT NULL');
    await runner.query(`
      CREATE TABLE ledger.consequence (
        log text NOT NULL, revocation_id text NOT NULL, grant_id text NOT NULL, run_id text NOT NULL, agent_class text NOT NULL,
        in_flight int NOT NULL, pending_approvals int NOT NULL, reserved_cost json NOT NULL, position bigint NOT NULL,
        PRIMARY KEY (log, revocation_id, grant_id))`);
    for (const table of ['follower', 'node', 'checkpoint', 'item', 'consequence']) {
      await runner.query(`GRANT SELECT, INSERT, UPDATE ON ledger.${table} TO bailiwick_ledger`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ledger.follower, ledger.node, ledger.checkpoint, ledger.item, ledger.consequence');
  }
}

/**
 * Stores the tree in pieces instead of one row per node, and drops the rows of actions, whose events are sufficient, and
 * the counts in the rows of grants. The follower rebuilds all of it from position 0. The signed heads stay, because
 * auditors may have copies of them.
 */
export class LedgerPieces1760000300000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ledger.node');
    await runner.query(`
      CREATE TABLE ledger.piece (
        log text NOT NULL, level int NOT NULL, index bigint NOT NULL,
        hashes bytea NOT NULL CHECK (octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 2048),
        PRIMARY KEY (log, level, index))`);
    // hashes do not compress, and a piece fits into a row
    await runner.query('ALTER TABLE ledger.piece ALTER COLUMN hashes SET STORAGE PLAIN');
    await runner.query('GRANT SELECT, INSERT, UPDATE ON ledger.piece TO bailiwick_ledger');
    await runner.query('TRUNCATE ledger.follower, ledger.item, ledger.consequence');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ledger.piece');
    await runner.query(
      'CREATE TABLE ledger.node (log text NOT NULL, level int NOT NULL, index bigint NOT NULL, hash bytea NOT NULL, PRIMARY KEY (log, level, index))',
    );
    await runner.query('GRANT SELECT, INSERT, UPDATE ON ledger.node TO bailiwick_ledger');
    await runner.query('TRUNCATE ledger.follower, ledger.item, ledger.consequence');
  }
}

/**
 * Adds the usage of ended leases to their rows. The follower rebuilds all derived data from position 0; a running rebuild
 * is abandoned. A ledger of an earlier release that still runs cannot write: it does not set the required column `form`.
 */
export class LedgerCounts1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CLEAR_DERIVED);
    await runner.query('ALTER TABLE ledger.follower ADD COLUMN form int NOT NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(CLEAR_DERIVED);
    await runner.query('ALTER TABLE ledger.follower DROP COLUMN form');
  }
}

/** Adds the revocation to the rows of pending requests, and to consequences the grants that lost a tool to a rule. */
export class LedgerWaiting1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(CLEAR_DERIVED);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(CLEAR_DERIVED);
  }
}

const CLEAR_DERIVED =
  'TRUNCATE ledger.follower, ledger.rebuild, ledger.all_item, ledger.all_piece, ledger.all_consequence';
