import { Raw, type DataSource, type Repository } from 'typeorm';
import { ConsequenceRow } from './entities/consequence';

/** Reads what revocations stopped. */
export class ConsequencesRepository {
  private readonly rows: Repository<ConsequenceRow>;

  constructor(source: DataSource) {
    this.rows = source.getRepository(ConsequenceRow);
  }

  /** Returns the consequences of a revocation in each grant, ordered by log and grant. */
  of(tenant: string, revocationId: string): Promise<ConsequenceRow[]> {
    return this.rows.find({
      where: { log: Raw((log) => `starts_with(${log}, :logs)`, { logs: `${tenant}/` }), revocationId },
      order: { log: 'ASC', grantId: 'ASC' },
    });
  }
}
