import type { PersonNames } from '@bailiwick/contracts/people/person-names';
import { Pool } from 'pg';
import type { PeopleNames } from '../people';
import { databaseWaits } from './waits';

const STATEMENT_MS = 5_000;

/** The names of people in PostgreSQL. */
export class PostgresPeople implements PeopleNames {
  private readonly pool: Pool;

  constructor(url: string) {
    this.pool = new Pool({
      connectionString: url,
      max: 2,
      application_name: 'bailiwick-people',
      ...databaseWaits(STATEMENT_MS),
    });
    this.pool.on('error', () => undefined); // the next query reports it
  }

  async of(tenant: string, refs: readonly string[]): Promise<PersonNames> {
    if (refs.length === 0) return {};
    const { rows } = await this.pool.query<{ ref: string; name: string | null }>({
      name: 'person-names',
      text: 'SELECT ref, name FROM person_name WHERE tenant = $1 AND ref = ANY($2)',
      values: [tenant, refs],
    });
    return Object.fromEntries(rows.map(({ ref, name }) => [ref, name]));
  }

  async record(tenant: string, people: readonly { readonly ref: string; readonly name: string }[]): Promise<void> {
    await this.pool.query(
      `INSERT INTO person_name (tenant, ref, name) SELECT $1, * FROM unnest($2::text[], $3::text[]) ON CONFLICT DO NOTHING`,
      [tenant, people.map(({ ref }) => ref), people.map(({ name }) => name)],
    );
  }

  close(): Promise<void> {
    return this.pool.end();
  }
}
