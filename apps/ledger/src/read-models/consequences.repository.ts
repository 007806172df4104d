import { MoreThan, Raw, type DataSource, type Repository } from 'typeorm';
import { ConsequenceRow } from './entities/consequence';

/** How much a revocation stopped. */
export interface Stopped {
  readonly grants: number;
  readonly runs: number;
  readonly inFlight: number;
  readonly pendingApprovals: number;
  /** the number of rows: grants, and requests of runs without one */
  readonly rows: number;
}

/** Reads what revocations stopped. */
export class ConsequencesRepository {
  private readonly rows: Repository<ConsequenceRow>;

  constructor(source: DataSource) {
    this.rows = source.getRepository(ConsequenceRow);
  }

  /** Returns all consequences of a revocation, one per grant, ordered by log and grant. */
  of(tenant: string, revocationId: string): Promise<ConsequenceRow[]> {
    return this.rows.find({
      where: { log: Raw((log) => `starts_with(${log}, :logs)`, { logs: `${tenant}/` }), revocationId },
      order: { log: 'ASC', grantId: 'ASC' },
    });
  }

  /** Returns the next consequences of one log in that order, at most `limit`. */
  page(log: string, revocationId: string, after: string | undefined, limit: number): Promise<ConsequenceRow[]> {
    return this.rows.find({
      where: { log, revocationId, ...(after === undefined ? {} : { grantId: MoreThan(after) }) },
      order: { grantId: 'ASC' },
      take: limit,
    });
  }

  /** Counts the consequences of a revocation in one log. */
  async count(log: string, revocationId: string): Promise<Stopped> {
    const sums = await this.rows
      .createQueryBuilder('row')
      .where({ log, revocationId })
      .select('count(*)', 'rows')
      .addSelect(`count(*) FILTER (WHERE starts_with(row.grantId, 'grt_'))`, 'grants')
      .addSelect('count(DISTINCT row.runId)', 'runs')
      .addSelect('coalesce(sum(row.inFlight), 0)', 'inFlight')
      .addSelect('coalesce(sum(row.pendingApprovals), 0)', 'pendingApprovals')
      .getRawOne<Record<keyof Stopped, string>>();
    const of = (name: keyof Stopped): number => Number(sums?.[name] ?? 0);
    return {
      grants: of('grants'),
      runs: of('runs'),
      inFlight: of('inFlight'),
      pendingApprovals: of('pendingApprovals'),
      rows: of('rows'),
    };
  }
}
