import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '@bailiwick/event-store/postgres/columns';

/** A verified cosignature of a head of a log. */
@Entity({ schema: 'ledger', name: 'cosignature' })
export class CosignatureRow {
  @PrimaryColumn({ type: 'text' })
  readonly log!: string;

  @PrimaryColumn({ type: 'bigint', transformer: bigintAsNumber })
  readonly size!: number;

  /** its name */
  @PrimaryColumn({ type: 'text' })
  readonly witness!: string;

  /** the line that it adds to the note, with the line feed */
  @Column({ type: 'text' })
  readonly line!: string;

  @Column({ type: 'timestamptz', default: () => 'now()' })
  readonly made!: Date;
}
