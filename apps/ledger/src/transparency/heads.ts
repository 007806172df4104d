import type { DataSource } from 'typeorm';
import type { Held } from '@bailiwick/transparency-log/submission';

/** A signed head of a log. */
export interface CheckpointRow {
  readonly size: number;
  readonly root: Buffer;
  readonly note: string;
}
/** A key of a log, and the size of the first tree that it signed. */
export interface KeyRow {
  readonly vkey: string;
  readonly size: number;
  /** RFC 3339 */
  readonly since: string;
}

/** The signed heads of logs with their keys and cosignatures, and the heads of other logs that were cosigned here. */
export class Heads {
  constructor(private readonly source: DataSource) {}

  /**
   * Stores a signed head and the first size that its key signed, in one statement. If another key has signed a head of
   * that size, adds this signature to it, so that holders of the old key can learn the new one.
   */
  async save(log: string, { size, root, note }: CheckpointRow, vkey: string): Promise<void> {
    const line = note.slice(note.lastIndexOf('\n\n') + 2);
    await this.source.query(
      `WITH key AS (
         INSERT INTO ledger.signing_key (log, vkey, size)
         SELECT $1, $5, CASE WHEN EXISTS (SELECT FROM ledger.signing_key WHERE log = $1) THEN $2::bigint ELSE 0 END
         ON CONFLICT DO NOTHING
       )
       INSERT INTO ledger.checkpoint AS kept (log, size, root, note) VALUES ($1, $2, $3, $4)
       ON CONFLICT (log, size) DO UPDATE SET note = kept.note || $6
       WHERE kept.root = excluded.root AND position($6 IN kept.note) = 0`,
      [log, size, root, note, vkey, line],
    );
  }

  /** Returns the keys that have signed heads of a log, oldest first. */
  async keys(log: string): Promise<KeyRow[]> {
    const rows = await this.source.query<{ vkey: string; size: string; made: Date }[]>(
      'SELECT vkey, size, made FROM ledger.signing_key WHERE log = $1 ORDER BY size, made',
      [log],
    );
    return rows.map(({ vkey, size, made }) => ({ vkey, size: Number(size), since: made.toISOString() }));
  }

  /** Returns the stored head of exactly this size, with all its cosignatures. */
  async at(log: string, size: number): Promise<CheckpointRow | undefined> {
    return this.one('c.size = $2', [log, size]);
  }

  /** Returns the newest head, or the newest with at least `witnesses` cosignatures. */
  async newest(log: string, witnesses = 0): Promise<CheckpointRow | undefined> {
    if (witnesses === 0) return this.one('true', [log], 'DESC');
    return this.one(`c.size = (${cosigned('DESC')})`, [log, 0, witnesses]);
  }

  /** Returns the smallest head that covers a size, or the smallest such head with at least `witnesses` cosignatures. */
  async covering(log: string, size: number, witnesses = 0): Promise<CheckpointRow | undefined> {
    if (witnesses === 0) return this.one('c.size >= $2', [log, size]);
    return this.one(`c.size = (${cosigned('ASC')})`, [log, size, witnesses]);
  }

  private async one(where: string, values: unknown[], order = 'ASC'): Promise<CheckpointRow | undefined> {
    const rows = await this.source.query<{ size: string; root: Buffer; note: string; lines: string | null }[]>(
      `SELECT size, root, note,
         (SELECT string_agg(line, '' ORDER BY made, witness) FROM ledger.cosignature AS s WHERE s.log = c.log AND s.size = c.size) AS lines
       FROM ledger.checkpoint AS c WHERE log = $1 AND ${where} ORDER BY size ${order} LIMIT 1`,
      values,
    );
    const row = rows[0];
    return row && { size: Number(row.size), root: row.root, note: row.note + (row.lines ?? '') };
  }

  /** Stores a verified cosignature; an existing one of the same witness and head stays. */
  async cosign(log: string, size: number, witness: string, line: string): Promise<void> {
    await this.source.query(
      'INSERT INTO ledger.cosignature (log, size, witness, line) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
      [log, size, witness, line],
    );
  }

  /** Returns the size of the newest head that a witness cosigned; 0 if there is none. */
  async cosignedTo(log: string, witness: string): Promise<number> {
    const rows = await this.source.query<{ size: string | null }[]>(
      'SELECT max(size) AS size FROM ledger.cosignature WHERE log = $1 AND witness = $2',
      [log, witness],
    );
    return Number(rows[0]?.size ?? 0);
  }

  /** Returns the newest head of another log that was cosigned here. */
  async witnessed(origin: string): Promise<Held | undefined> {
    const rows = await this.source.query<{ size: string; root: Buffer }[]>(
      'SELECT size, root FROM ledger.witnessed WHERE origin = $1',
      [origin],
    );
    return rows[0] && { size: BigInt(rows[0].size), root: rows[0].root };
  }

  /**
   * Replaces the cosigned head of another log, only if it is still `held`: of two concurrent submissions one must be
   * judged again. The change is on disk when this returns true.
   */
  async witness(
    origin: string,
    held: Held | undefined,
    next: { size: bigint; root: Buffer; note: string },
  ): Promise<boolean> {
    const size = String(next.size);
    const rows: unknown[] = held
      ? await this.source.query(
          'WITH moved AS (UPDATE ledger.witnessed SET size = $2, root = $3, note = $4, made = now() WHERE origin = $1 AND size = $5 AND root = $6 RETURNING origin) SELECT FROM moved',
          [origin, size, next.root, next.note, String(held.size), held.root],
        )
      : await this.source.query(
          'INSERT INTO ledger.witnessed (origin, size, root, note) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING origin',
          [origin, size, next.root, next.note],
        );
    return rows.length > 0;
  }
}

const cosigned = (order: string): string =>
  `SELECT s.size FROM ledger.cosignature AS s WHERE s.log = $1 AND s.size >= $2 GROUP BY s.size HAVING count(*) >= $3 ORDER BY s.size ${order} LIMIT 1`;
