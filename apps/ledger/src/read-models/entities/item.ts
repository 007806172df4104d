import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber, nullAsUndefined } from '@bailiwick/event-store/postgres/columns';

/**
 * One row of the read models. `position` is that of the event that created it, `updated` of the newest that changed it.
 *
 * `ledger.item` is a view: the current generation of `ledger.all_item`. It is mapped as a table with its key, because
 * TypeORM compares all columns of a `ViewEntity`, `view` too, to distinguish rows.
 */
@Entity({ schema: 'ledger', name: 'item' })
export class ItemRow {
  @PrimaryColumn({ type: 'text' })
  readonly log!: string;

  @PrimaryColumn({ type: 'text' })
  readonly kind!: 'run' | 'grant' | 'approval' | 'drift';

  @PrimaryColumn({ type: 'text' })
  readonly id!: string;

  @Column({ type: 'bigint', transformer: bigintAsNumber })
  readonly position!: number;

  @Column({ type: 'bigint', transformer: bigintAsNumber })
  readonly updated!: number;

  @Column({ name: 'tree_id', type: 'text', nullable: true, transformer: nullAsUndefined })
  readonly treeId!: string | undefined;

  @Column({ name: 'run_id', type: 'text', nullable: true, transformer: nullAsUndefined })
  readonly runId!: string | undefined;

  @Column({ name: 'grant_id', type: 'text', nullable: true, transformer: nullAsUndefined })
  readonly grantId!: string | undefined;

  @Column({ name: 'agent_class', type: 'text', nullable: true, transformer: nullAsUndefined })
  readonly agentClass!: string | undefined;

  @Column({ type: 'text' })
  readonly status!: string;

  @Column({ type: 'json' })
  readonly view!: unknown;
}

/** The values of a row, without its class: what a projection makes, and what may be copied with changes. */
export type Item = Pick<ItemRow, keyof ItemRow>;
