import type { Pool } from 'pg';
import { SEPARATOR } from '../check-batch';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';

/**
 * Selects the events of a log from a position on as one row: parsing a row per event would cost a reader more than
 * folding it. Each column is joined by `SEPARATOR`, which no appended value contains.
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
 * Positions have no gaps (I5), so the range determines the number of rows. With LIMIT, a database without statistics
 * reads and sorts all the rest of the log; that form is for a damaged log, so that a fold detects a hole in it and does
 * not take it for the end (I11).
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

/** Returns up to `limit` events from `from` on, in order. */
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

/** Caches the last result: events that were appended together have the same time. */
function lastRemembered(f: (text: string) => string): (text: string) => string {
  let [asked, answer] = ['', ''];
  return (text) => {
    if (text !== asked) [asked, answer] = [text, f(text)];
    return answer;
  };
}
