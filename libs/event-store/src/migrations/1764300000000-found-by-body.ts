import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Finds events by the ids in their bodies, which are hashed and signed. The columns that repeat these ids are not: a
 * row with a changed `tree_id` would vanish from its tree, and from every receipt of it. The columns stay, and `log
 * verify` compares them with the bodies.
 */
export class FoundByBody1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // No id contains an escape that the database cannot convert to text (\u0000, half a pair): the body without all
    // escapes has the same ids. An index entry is limited to a page, and an id is far shorter.
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
