import type { ActionClaims } from './action-tokens';

/** A connection of `pg`, not a pool: the claims belong to one transaction. */
export interface Connection {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

/**
 * Runs statements in a transaction whose row security policies read the claims of an accepted token, as
 * `current_setting('bailiwick.claims', true)`. Outside of it the setting is empty, so such policies admit no row.
 */
export async function withClaims<T>(
  connection: Connection,
  claims: ActionClaims,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  await connection.query('START TRANSACTION');
  try {
    await connection.query("SELECT set_config('bailiwick.claims', $1, true)", [JSON.stringify(claims)]);
    const result = await work(connection);
    await connection.query('COMMIT');
    return result;
  } catch (error) {
    await connection.query('ROLLBACK');
    throw error;
  }
}
