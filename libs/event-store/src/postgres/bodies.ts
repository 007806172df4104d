import { LIMITS } from '@bailiwick/core/limits';
import { Pool } from 'pg';
import { databaseWaits } from './waits';

/** The events of a log, or of one tree in it, up to and including a position. */
export interface BodyRange {
  readonly log: string;
  readonly treeId?: string | undefined;
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
    let next = this.page(range, -1);
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

  close(): Promise<void> {
    return this.pool.end();
  }
}
