import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber, nullAsUndefined } from '@bailiwick/event-store/postgres/columns';
import type { RebuildResult } from '../rebuild/status';

/** The latest rebuild of a log's read models. */
@Entity({ schema: 'ledger', name: 'rebuild' })
export class RebuildRow {
  @PrimaryColumn({ type: 'text' })
  readonly log!: string;

  /** the generation that it writes */
  @Column({ type: 'int' })
  readonly gen!: number;

  @Column({ type: 'bigint', transformer: bigintAsNumber })
  readonly position!: number;

  @Column({ type: 'timestamptz', default: () => 'now()' })
  readonly started!: Date;

  @Column({ type: 'timestamptz', nullable: true, transformer: nullAsUndefined })
  readonly ended!: Date | undefined;

  @Column({ name: 'told', type: 'json', nullable: true, transformer: nullAsUndefined })
  readonly result!: RebuildResult | undefined;
}
