import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Four indexes were half of what an insert costs. What a run or a grant did is part of what its tree did, and is found
 * there: whoever searches for it names the tree too.
 */
export class FewerIndexes1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX event_run_id, event_grant_id');
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const column of ['run_id', 'grant_id'])
      await runner.query(`CREATE INDEX event_${column} ON event (${column}, position) WHERE ${column} IS NOT NULL`);
  }
}
