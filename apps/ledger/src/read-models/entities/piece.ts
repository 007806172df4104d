import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '@bailiwick/event-store/postgres/columns';

/**
 * Up to 64 adjacent hashes of one level of a log's Merkle tree. `ledger.piece` is a view: the current generation of
 * `ledger.all_piece`.
 */
@Entity({ schema: 'ledger', name: 'piece' })
export class PieceRow {
  @PrimaryColumn({ type: 'text' })
  readonly log!: string;

  @PrimaryColumn({ type: 'int' })
  readonly level!: number;

  @PrimaryColumn({ type: 'bigint', transformer: bigintAsNumber })
  readonly index!: number;

  /** 32 bytes each */
  @Column({ type: 'bytea' })
  readonly hashes!: Buffer;
}
