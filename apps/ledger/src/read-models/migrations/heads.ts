import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Adds tables for the keys that signed heads and the size from which each signed, for the cosignatures of witnesses, and
 * for the heads of other logs that this installation cosigned. Public keys and signatures only.
 */
export class LedgerHeads1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'CREATE TABLE ledger.signing_key (log text NOT NULL, vkey text NOT NULL, size bigint NOT NULL, made timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (log, vkey))',
    );
    await runner.query(
      'CREATE TABLE ledger.cosignature (log text NOT NULL, size bigint NOT NULL, witness text NOT NULL, line text NOT NULL, made timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (log, size, witness))',
    );
    await runner.query(
      'CREATE TABLE ledger.witnessed (origin text PRIMARY KEY, size numeric(20) NOT NULL, root bytea NOT NULL, note text NOT NULL, made timestamptz NOT NULL DEFAULT now())',
    );
    for (const table of ['signing_key', 'cosignature', 'witnessed']) {
      await runner.query(`GRANT SELECT, INSERT, UPDATE ON ledger.${table} TO bailiwick_ledger`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE ledger.signing_key, ledger.cosignature, ledger.witnessed');
  }
}
