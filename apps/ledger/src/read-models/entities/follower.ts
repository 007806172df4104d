import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '@bailiwick/event-store/postgres/columns';

/** How far the ledger has followed a log, and which generation of its read models is current. */
@Entity({ schema: 'ledger', name: 'follower' })
export class FollowerRow {
  @PrimaryColumn({ type: 'text' })
  readonly log!: string;

  /** the read models contain the events before it */
  @Column({ type: 'bigint', transformer: bigintAsNumber })
  readonly position!: number;

  @Column({ type: 'int', default: 0 })
  readonly gen!: number;

  /** the format of the rows */
  @Column({ type: 'int' })
  readonly form!: number;
}
