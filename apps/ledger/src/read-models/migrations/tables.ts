import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The ledger's own tables: the Merkle nodes, the signed heads, the read models, and where the follower stands. */
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
 * The tree in pieces instead of a row for each of its nodes; no rows of actions, which the events tell themselves; and
 * no counts in the rows of grants. All of it is made anew from the log, by a follower that begins at its start. The
 * signed heads stay: somebody may hold one.
 */
export class LedgerPieces1760000300000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ledger.node');
    await runner.query(`
      CREATE TABLE ledger.piece (
        log text NOT NULL, level int NOT NULL, index bigint NOT NULL,
        hashes bytea NOT NULL CHECK (octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 2048),
        PRIMARY KEY (log, level, index))`);
    // hashes do not compress, and a piece fits into its row
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
 * Rows of leases that have ended tell what they used. All that is made from the log is made anew, by a follower that
 * begins at its start; a rebuild that was under way is none any more. A ledger of before that still runs must not be that
 * follower: it does not say in which form it writes, and can write nothing.
 */
export class LedgerCounts1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(MADE_ANEW);
    await runner.query('ALTER TABLE ledger.follower ADD COLUMN form int NOT NULL');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(MADE_ANEW);
    await runner.query('ALTER TABLE ledger.follower DROP COLUMN form');
  }
}

/** The rows of what waits for a person tell of its revocation; of a rule that names a tool they say what lost it. */
export class LedgerWaiting1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(MADE_ANEW);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(MADE_ANEW);
  }
}

const MADE_ANEW = 'TRUNCATE ledger.follower, ledger.rebuild, ledger.all_item, ledger.all_piece, ledger.all_consequence';
