import { LIMITS } from '@bailiwick/core/limits';

/**
 * Returns the time-outs of a connection to the database and of each statement on it: on the client side, since a server
 * may stop responding, and on the server side, so that it does not continue after the client has given up.
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
