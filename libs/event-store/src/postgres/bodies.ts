import { LIMITS } from '@bailiwick/core/limits';
import { Pool } from 'pg';
import { databaseWaits } from './waits';

/** The events of a log, or of one tree in it, from a position up to and including another. */
export interface BodyRange {
  readonly log: string;
  readonly treeId?: string | undefined;
  /** the first position; 0 unless stated */
  readonly from?: number | undefined;
  readonly to: number;
}

interface Page {
  readonly bodies: string[];
  readonly last: number;
}

/**
 * Reads only the bodies of events, a page at a time, for a pass over the whole past. The next page is fetched while the
 * current one is processed. Uses a dedicated connection, so that it takes none from others.
 */
export class Bodies {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 1,
      application_name: 'bailiwick-replay',
      ...databaseWaits(),
    });
    this.pool.on('error', () => undefined); // the next page reports it
  }

  /** Yields pages in order; the last may be empty. */
  async *pages(range: BodyRange): AsyncGenerator<readonly string[]> {
    let next = this.page(range, (range.from ?? 0) - 1);
    for (;;) {
      const { bodies, last } = await next;
      const more = bodies.length === LIMITS.readBatchEvents;
      if (more) {
        next = this.page(range, last);
        next.catch(() => undefined); // reported when it is awaited
      }
      yield bodies;
      if (!more) return;
    }
  }

  /** Returns the bodies at the positions from `from` to `to`, both included, of which there are at most a page. */
  async span(log: string, from: number, to: number): Promise<readonly string[]> {
    return (await this.between({ log, to }, from - 1, to)).bodies;
  }

  private async page(range: BodyRange, after: number): Promise<Page> {
    if (range.treeId !== undefined) return this.between(range, after, range.to);
    // positions have no gaps (I5), so their range is a page; with LIMIT alone the database may read and sort all the
    // rest
    const end = Math.min(range.to, after + LIMITS.readBatchEvents);
    const page = await this.between(range, after, end);
    // a hole in a damaged log is not its end (I11)
    return page.last === end ? page : this.between(range, after, range.to);
  }

  private async between({ log, treeId, to }: BodyRange, after: number, end: number): Promise<Page> {
    const { rows } = await this.pool.query<{ position: string; body: string }>({
      name: treeId === undefined ? 'bodies' : 'tree-bodies',
      text: `SELECT position, body::text AS body FROM event WHERE log = $1 AND position > $2 AND position <= $3
        ${treeId === undefined ? '' : "AND event_id(body, 'treeId') = $5"} ORDER BY position LIMIT $4`,
      values: [log, after, end, LIMITS.readBatchEvents, ...(treeId === undefined ? [] : [treeId])],
    });
    return { bodies: rows.map((row) => row.body), last: Number(rows.at(-1)?.position ?? to) };
  }

  /**
   * Returns the position of the first of the last `count` events of some types, up to and including `to`; 0 if there are
   * fewer. It reads the column of the type, which is not signed, so it only limits what is read.
   */
  async firstOfLast(log: string, types: readonly string[], count: number, to: number): Promise<number> {
    let left = count;
    for (let end = to; end >= 0; end -= COUNTED_AT_ONCE) {
      const values = [log, end - COUNTED_AT_ONCE, end, types];
      const counted = await this.pool.query<{ n: string }>({
        name: 'count-types',
        text: `SELECT count(*) AS n ${OF_TYPES}`,
        values,
      });
      const n = Number(counted.rows[0]?.n ?? 0);
      if (n >= left) {
        const { rows } = await this.pool.query<{ position: string }>({
          name: 'first-of-types',
          text: `SELECT position ${OF_TYPES} ORDER BY position DESC OFFSET $5 LIMIT 1`,
          values: [...values, left - 1],
        });
        return Number(rows[0]?.position ?? 0);
      }
      left -= n;
    }
    return 0;
  }

  /** Returns the bodies at positions, in their order; those that do not exist are left out. */
  async at(log: string, positions: readonly number[]): Promise<string[]> {
    const { rows } = await this.pool.query<{ body: string }>({
      name: 'bodies-at',
      text: 'SELECT body::text AS body FROM event WHERE log = $1 AND position = ANY($2) ORDER BY position',
      values: [log, positions],
    });
    return rows.map(({ body }) => body);
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}

const COUNTED_AT_ONCE = 100_000;
const OF_TYPES = 'FROM event WHERE log = $1 AND position > $2 AND position <= $3 AND type = ANY($4)';
