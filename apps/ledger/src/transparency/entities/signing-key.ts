import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '@bailiwick/event-store/postgres/columns';

/** A key that signs the heads of a log, from a size on. */
@Entity({ schema: 'ledger', name: 'signing_key' })
export class SigningKeyRow {
  @PrimaryColumn({ type: 'text' })
  readonly log!: string;

  @PrimaryColumn({ type: 'text' })
  readonly vkey!: string;

  @Column({ type: 'bigint', transformer: bigintAsNumber })
  readonly size!: number;

  @Column({ type: 'timestamptz', default: () => 'now()' })
  readonly made!: Date;
}
