import { Column, Entity, PrimaryColumn } from 'typeorm';
import { bigintAsNumber } from '@bailiwick/event-store/postgres/columns';

/**
 * What a revocation stopped in one grant, at the event at `position`. `ledger.consequence` is a view: the current
 * generation of `ledger.all_consequence`.
 */
@Entity({ schema: 'ledger', name: 'consequence' })
export class ConsequenceRow {
  @PrimaryColumn({ type: 'text' })
  readonly log!: string;

  @PrimaryColumn({ name: 'revocation_id', type: 'text' })
  readonly revocationId!: string;

  @PrimaryColumn({ name: 'grant_id', type: 'text' })
  readonly grantId!: string;

  @Column({ name: 'run_id', type: 'text' })
  readonly runId!: string;

  @Column({ name: 'agent_class', type: 'text' })
  readonly agentClass!: string;

  @Column({ name: 'in_flight', type: 'int' })
  readonly inFlight!: number;

  @Column({ name: 'pending_approvals', type: 'int' })
  readonly pendingApprovals!: number;

  /** minor units by currency */
  @Column({ name: 'reserved_cost', type: 'json' })
  readonly reservedCost!: Record<string, number>;

  @Column({ type: 'bigint', transformer: bigintAsNumber })
  readonly position!: number;
}
