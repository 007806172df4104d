import type { Pool } from 'pg';
import { SEPARATOR } from '../check-batch';
import type { StoredEvent } from '../port';

/**
 * The events of a log from a position on, as one row: to take a row an event apart costs a reader more than to fold it.
 * Each column is joined by `SEPARATOR`, which nothing that was appended holds.
 */
const reading = (where: string, more = ''): string => `
SELECT string_agg(position::text, E'\\x01' ORDER BY position) AS positions,
  string_agg(type, E'\\x01' ORDER BY position) AS types,
  string_agg(extract(epoch FROM time)::text, E'\\x01' ORDER BY position) AS seconds,
  string_agg(body::text, E'\\x01' ORDER BY position) AS bodies,
  string_agg(coalesce(payload::text, ''), E'\\x01' ORDER BY position) AS payloads${more}
FROM (
  SELECT position, type, time, body, payload FROM event WHERE log = $1 AND position >= $2 ${where}
) AS event`;

/**
 * Positions have no gaps (I5), so the range says how many. By a LIMIT a database that knows nothing of the table yet
 * reads, and sorts, all the rest of the log: that is for a log that somebody has damaged, so that a hole in it is seen
 * by who folds it, and is not taken for its end (I11).
 */
const READ = {
  name: 'read',
  text: reading(
    'AND position < $2::bigint + $3',
    ', (SELECT min(position) FROM event WHERE log = $1 AND position >= $2::bigint + $3) AS beyond',
  ),
};
const READ_OVER_HOLES = { name: 'read-over-holes', text: reading('ORDER BY position LIMIT $3') };

type Column = 'positions' | 'types' | 'seconds' | 'bodies' | 'payloads';

type Row = Record<Column, string | null> & { readonly beyond?: string | null };

/** Up to `limit` events from `from` on, in order. */
export async function readEvents(pool: Pool, log: string, from: number, limit: number): Promise<StoredEvent[]> {
  const values = [log, from, limit];
  const [row] = (await pool.query<Row>({ ...READ, values })).rows;
  const events = eventsIn(log, row);
  if (events.length === limit || row?.beyond == null) return events;
  return eventsIn(log, (await pool.query<Row>({ ...READ_OVER_HOLES, values })).rows[0]);
}

function eventsIn(log: string, row: Row | undefined): StoredEvent[] {
  const column = (name: Column): string[] => row?.[name]?.split(SEPARATOR) ?? [];
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
