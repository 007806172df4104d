import type { Pool } from 'pg';
import { SEPARATOR } from './check-batch';
import type { StoredEvent } from './port';

/**
 * The events of a log from a position on, as one row: to take a row an event apart costs a reader more than to fold it.
 * Each column is joined by `SEPARATOR`, which nothing that was appended holds. Positions have no gaps (I5), so the range
 * says how many; by a LIMIT a database that knows nothing of the table yet reads, and sorts, all the rest of the log.
 */
const READ = `
SELECT string_agg(position::text, E'\\x01' ORDER BY position) AS positions,
  string_agg(type, E'\\x01' ORDER BY position) AS types,
  string_agg(extract(epoch FROM time)::text, E'\\x01' ORDER BY position) AS seconds,
  string_agg(body::text, E'\\x01' ORDER BY position) AS bodies,
  string_agg(coalesce(payload::text, ''), E'\\x01' ORDER BY position) AS payloads
FROM (
  SELECT position, type, time, body, payload FROM event WHERE log = $1 AND position >= $2 AND position < $2::bigint + $3
) AS event`;

type Column = 'positions' | 'types' | 'seconds' | 'bodies' | 'payloads';

/** Up to `limit` events from `from` on, in order. */
export async function readEvents(pool: Pool, log: string, from: number, limit: number): Promise<StoredEvent[]> {
  const { rows } = await pool.query<Record<Column, string | null>>({
    name: 'read',
    text: READ,
    values: [log, from, limit],
  });
  const column = (name: Column): string[] => rows[0]?.[name]?.split(SEPARATOR) ?? [];
  const [positions, types, seconds, payloads] = [
    column('positions'),
    column('types'),
    column('seconds'),
    column('payloads'),
  ];
  const timeOf = lastRemembered((text) => new Date(Math.round(Number(text) * 1_000)).toISOString());
  return column('bodies').map((body, i) => ({
    log,
    position: Number(positions[i]),
    type: types[i] as string,
    time: timeOf(seconds[i] as string),
    body,
    payload: payloads[i] === '' ? null : (payloads[i] as string),
  }));
}

/** Events that were appended together have one time. */
function lastRemembered(f: (text: string) => string): (text: string) => string {
  let [asked, answer] = ['', ''];
  return (text) => {
    if (text !== asked) [asked, answer] = [text, f(text)];
    return answer;
  };
}
