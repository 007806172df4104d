import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The newest head of another log that was cosigned here. */
@Entity({ schema: 'ledger', name: 'witnessed' })
export class WitnessedRow {
  @PrimaryColumn({ type: 'text' })
  readonly origin!: string;

  /** of a log that others write: up to 2^64 - 1 */
  @Column({ type: 'numeric', precision: 20, transformer: { from: (stored: string) => BigInt(stored), to: String } })
  readonly size!: bigint;

  @Column({ type: 'bytea' })
  readonly root!: Buffer;

  @Column({ type: 'text' })
  readonly note!: string;

  @Column({ type: 'timestamptz', default: () => 'now()' })
  readonly made!: Date;
}
