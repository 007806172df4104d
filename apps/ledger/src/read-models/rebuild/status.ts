/** A row of the current read models that differs from the log. */
export interface Difference {
  /** `run run_0_…` */
  readonly row: string;
  /** the current read models lack the row, have an extra row, or have a different one */
  readonly how: 'missing' | 'extra' | 'differs';
}
/** The result of a rebuild. */
export interface Rebuilt {
  readonly events: number;
  readonly seconds: number;
  /** the number of rows of the replaced read models that differ from the log */
  readonly differences: number;
  /** some of the differences */
  readonly samples: readonly Difference[];
}

/** The status of the latest rebuild of a log. */
export interface RebuildStatus {
  readonly state: 'running' | 'done' | 'failed' | 'interrupted';
  readonly position: number;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly told?: Rebuilt | { readonly error: string };
}

/** The class of the advisory locks of rebuilds, an arbitrary number. A rebuild holds its lock until its connection ends. */
export const REBUILD_LOCK = 1_764_100;
/** Returns the status of the latest rebuild of a log; undefined if there was none. */
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
