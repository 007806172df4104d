import { LIMITS } from '@bailiwick/core/limits';

/**
 * How long a connection to the database, and each statement on it, is waited for: by the client, since a server that
 * has gone silent answers nothing, and by the server, so that it does not continue with what no client waits for.
 * For `pg`'s pools and clients, and TypeORM's `extra`.
 * @param statementMs for work that takes longer than an ordinary statement may
 */
export const databaseWaits = (
  statementMs: number = LIMITS.databaseMs,
): { connectionTimeoutMillis: number; query_timeout: number; statement_timeout: number } => ({
  connectionTimeoutMillis: Math.min(statementMs, LIMITS.databaseMs),
  query_timeout: statementMs,
  statement_timeout: statementMs,
});
