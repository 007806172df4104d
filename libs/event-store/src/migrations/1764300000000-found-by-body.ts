import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What an event is about is looked up in its body, which is hashed and signed for. The columns that repeat it are not:
 * a row whose `tree_id` was changed would vanish from its tree, and from every receipt of it. They stay, and are
 * compared with the body by `log verify`.
 */
export class FoundByBody1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // The escapes that the database cannot hold as text (\u0000, half a pair) are in no id: read without any escape, the
    // body has the same ids. An index entry holds no more than a page, and an id is far shorter.
    await runner.query(`
      CREATE FUNCTION event_id(body json, name text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
      BEGIN RETURN left(body->>name, 200);
      EXCEPTION WHEN data_exception THEN
        RETURN left(regexp_replace(body::text, '\\\\(u[0-9a-fA-F]{4}|.)', '', 'g')::json->>name, 200);
      END $$`);
    await runner.query('DROP INDEX event_tree_id, event_action_id');
    for (const [column, name] of INDEXED)
      await runner.query(
        `CREATE INDEX event_${column} ON event (event_id(body, '${name}'), position) WHERE event_id(body, '${name}') IS NOT NULL`,
      );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP INDEX event_tree, event_action; DROP FUNCTION event_id');
    for (const column of ['tree_id', 'action_id'])
      await runner.query(`CREATE INDEX event_${column} ON event (${column}, position) WHERE ${column} IS NOT NULL`);
  }
}

const INDEXED = [
  ['tree', 'treeId'],
  ['action', 'actionId'],
] as const;
