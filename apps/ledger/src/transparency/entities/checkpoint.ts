import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '@bailiwick/event-store/postgres/columns';

/** A signed head of a log. */
@Entity({ schema: 'ledger', name: 'checkpoint' })
export class CheckpointRow {
  @PrimaryColumn({ type: 'text' })
  readonly log!: string;

  @PrimaryColumn({ type: 'bigint', transformer: bigintAsNumber })
  readonly size!: number;

  @Column({ type: 'bytea' })
  readonly root!: Buffer;

  /** signed by the ledger's keys, without cosignatures */
  @Column({ type: 'text' })
  readonly note!: string;

  @Column({ type: 'timestamptz', default: () => 'now()' })
  readonly made!: Date;
}
