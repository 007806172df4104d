import type { DataSource, Repository, SelectQueryBuilder } from 'typeorm';
import type { Held } from '@bailiwick/transparency-log/submission';
import { CheckpointRow } from './entities/checkpoint';
import { CosignatureRow } from './entities/cosignature';
import { SigningKeyRow } from './entities/signing-key';
import { WitnessedRow } from './entities/witnessed';

/** A signed head of a log. */
export type SignedHead = Pick<CheckpointRow, 'size' | 'root' | 'note'>;
/** A key of a log, and the size of the first tree that it signed. */
export interface SigningKey {
  readonly vkey: string;
  readonly size: number;
  /** RFC 3339 */
  readonly since: string;
}

/** The signed heads of logs with their keys and cosignatures, and the heads of other logs that were cosigned here. */
export class HeadsRepository {
  private readonly checkpoints: Repository<CheckpointRow>;
  private readonly keysOfLogs: Repository<SigningKeyRow>;
  private readonly cosignatures: Repository<CosignatureRow>;
  private readonly otherLogs: Repository<WitnessedRow>;

  constructor(source: DataSource) {
    this.checkpoints = source.getRepository(CheckpointRow);
    this.keysOfLogs = source.getRepository(SigningKeyRow);
    this.cosignatures = source.getRepository(CosignatureRow);
    this.otherLogs = source.getRepository(WitnessedRow);
  }

  /**
   * Stores a signed head and the first size that its key signed, in one statement. If another key has signed a head of
   * that size, adds this signature to it, so that holders of the old key can learn the new one. TypeORM cannot express
   * the condition of the update, nor a statement that writes to two tables.
   */
  async save(log: string, { size, root, note }: SignedHead, vkey: string): Promise<void> {
    const line = note.slice(note.lastIndexOf('\n\n') + 2);
    await this.checkpoints.manager.query(
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
  async keys(log: string): Promise<SigningKey[]> {
    const rows = await this.keysOfLogs.find({ where: { log }, order: { size: 'ASC', made: 'ASC' } });
    return rows.map(({ vkey, size, made }) => ({ vkey, size, since: made.toISOString() }));
  }

  /** Returns the stored head of exactly this size, with all its cosignatures. */
  at(log: string, size: number): Promise<SignedHead | undefined> {
    return first(this.heads(log).andWhere('head.size = :size', { size }));
  }

  /** Returns the newest head, or the newest with at least `witnesses` cosignatures. */
  newest(log: string, witnesses = 0): Promise<SignedHead | undefined> {
    if (witnesses === 0) return first(this.heads(log).orderBy('head.size', 'DESC'));
    return first(this.cosigned(log, { from: 0, witnesses, order: 'DESC' }));
  }

  /** Returns the smallest head that covers a size, or the smallest such head with at least `witnesses` cosignatures. */
  covering(log: string, size: number, witnesses = 0): Promise<SignedHead | undefined> {
    if (witnesses === 0)
      return first(this.heads(log).andWhere('head.size >= :size', { size }).orderBy('head.size', 'ASC'));
    return first(this.cosigned(log, { from: size, witnesses, order: 'ASC' }));
  }

  /** Selects the heads of a log, each with the lines of its cosignatures. */
  private heads(log: string): SelectQueryBuilder<CheckpointRow> {
    return this.checkpoints
      .createQueryBuilder('head')
      .addSelect(
        (lines) =>
          lines
            .select("string_agg(cosignature.line, '' ORDER BY cosignature.made, cosignature.witness)")
            .from(CosignatureRow, 'cosignature')
            .where('cosignature.log = head.log AND cosignature.size = head.size'),
        'lines',
      )
      .where('head.log = :log', { log });
  }

  /** Selects the first head, in an order, of at least a size and with at least a number of cosignatures. */
  private cosigned(
    log: string,
    { from, witnesses, order }: { from: number; witnesses: number; order: 'ASC' | 'DESC' },
  ): SelectQueryBuilder<CheckpointRow> {
    return this.heads(log).andWhere((heads) => {
      const size = heads
        .subQuery()
        .select('counted.size')
        .from(CosignatureRow, 'counted')
        .where('counted.log = :log AND counted.size >= :from', { from })
        .groupBy('counted.size')
        .having('count(*) >= :witnesses', { witnesses })
        .orderBy('counted.size', order)
        .limit(1);
      return `head.size = ${size.getQuery()}`;
    });
  }

  /** Stores a verified cosignature; an existing one of the same witness and head stays. */
  async cosign(log: string, size: number, witness: string, line: string): Promise<void> {
    const values = { log, size, witness, line };
    await this.cosignatures.createQueryBuilder().insert().values(values).orIgnore().updateEntity(false).execute();
  }

  /** Returns the size of the newest head that a witness cosigned; 0 if there is none. */
  async cosignedTo(log: string, witness: string): Promise<number> {
    return (await this.cosignatures.maximum('size', { log, witness })) ?? 0;
  }

  /** Returns the newest head of another log that was cosigned here. */
  async witnessed(origin: string): Promise<Held | undefined> {
    const row = await this.otherLogs.findOneBy({ origin });
    return row ? { size: row.size, root: row.root } : undefined;
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
    const { size, root, note } = next;
    const change = this.otherLogs.createQueryBuilder();
    if (!held) {
      const values = { origin, size, root, note };
      const added = await change.insert().values(values).orIgnore().updateEntity(false).returning('origin').execute();
      return (added.raw as unknown[]).length > 0;
    }
    const moved = await change
      .update()
      .set({ size, root, note, made: () => 'now()' })
      .where('origin = :origin AND size = :heldSize AND root = :heldRoot', {
        origin,
        heldSize: String(held.size),
        heldRoot: held.root,
      })
      .execute();
    return moved.affected === 1;
  }
}

/** Returns the first head of a selection, with its cosignatures at the end of the note. */
async function first(heads: SelectQueryBuilder<CheckpointRow>): Promise<SignedHead | undefined> {
  const { entities, raw } = await heads.limit(1).getRawAndEntities<{ lines: string | null }>();
  const [head, lines] = [entities[0], raw[0]?.lines];
  return head && { size: head.size, root: head.root, note: head.note + (lines ?? '') };
}
