/** A row of the old read models that is not as the log has it. */
export interface Difference {
  /** `run run_0_…` */
  readonly row: string;
  /** of the old ones: lacks the row, has one too many, or another */
  readonly how: 'missing' | 'extra' | 'differs';
}
/** What a rebuild tells when it is done. */
export interface Rebuilt {
  readonly events: number;
  readonly seconds: number;
  /** how many rows of the old read models were not as the log has them; the new ones are */
  readonly differences: number;
  /** some of them */
  readonly samples: readonly Difference[];
}

/** How a log's newest rebuild stands. */
export interface RebuildStatus {
  readonly state: 'running' | 'done' | 'failed' | 'interrupted';
  readonly position: number;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly told?: Rebuilt | { readonly error: string };
}

/** Any number: the name of the lock that a log's rebuild holds for as long as its connection is there. */
export const REBUILD_LOCK = 1_764_100;
/** How a log's newest rebuild stands; undefined where there never was one. */
export async function rebuildStatus(
  query: <T>(sql: string, values: unknown[]) => Promise<T[]>,
  log: string,
): Promise<RebuildStatus | undefined> {
  const [row] = await query<{
    position: string;
    started: Date;
    ended: Date | null;
    told: RebuildStatus['told'] | null;
    held: boolean;
  }>(
    `SELECT position, started, ended, told, EXISTS (
       SELECT FROM pg_locks JOIN pg_database AS d ON d.oid = database AND datname = current_database()
       WHERE locktype = 'advisory' AND classid = $2 AND objid::bigint = hashtext($1)::bigint & 4294967295) AS held
     FROM ledger.rebuild WHERE log = $1`,
    [log, REBUILD_LOCK],
  );
  if (!row) return undefined;
  const { position, started, ended, told, held } = row;
  return {
    state: told ? ('error' in told ? 'failed' : 'done') : held ? 'running' : 'interrupted',
    position: Number(position),
    startedAt: started.toISOString(),
    ...(ended ? { endedAt: ended.toISOString() } : {}),
    ...(told ? { told } : {}),
  };
}
