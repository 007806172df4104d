import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '@bailiwick/event-store/postgres/columns';

/** The position from which to fold a log to know all of its live trees. */
@Entity({ schema: 'intent', name: 'progress' })
export class ProgressRow {
  @PrimaryColumn({ type: 'text' })
  readonly log!: string;

  @Column({ type: 'bigint', transformer: bigintAsNumber })
  readonly since!: number;
}
