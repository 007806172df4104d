import type { DataSource, Repository } from 'typeorm';
import { fromRaw } from '../../database/from-raw';
import { RebuildRow } from '../entities/rebuild';
import { REBUILD_LOCK, type RebuildStatus } from './status';

/** Reads the status of rebuilds. A rebuild itself writes it, on its dedicated connection. */
export class RebuildsRepository {
  private readonly rebuilds: Repository<RebuildRow>;

  constructor(source: DataSource) {
    this.rebuilds = source.getRepository(RebuildRow);
  }

  /**
   * Returns the status of the latest rebuild of a log; undefined if there was none. The row and the lock are read in one
   * statement, so that a rebuild that ends between two reads does not appear interrupted; the locks of the server are
   * no entity.
   */
  async status(log: string): Promise<RebuildStatus | undefined> {
    const [raw] = await this.rebuilds.manager.query<{ held: boolean }[]>(STATUS, [log, REBUILD_LOCK]);
    if (!raw) return undefined;
    const { position, started, ended, result } = fromRaw(this.rebuilds, { ...raw });
    return {
      state: result ? ('error' in result ? 'failed' : 'done') : raw.held ? 'running' : 'interrupted',
      position,
      startedAt: started.toISOString(),
      ...(ended ? { endedAt: ended.toISOString() } : {}),
      ...(result ? { told: result } : {}),
    };
  }
}

const STATUS = `
  SELECT r.*, EXISTS (
    SELECT FROM pg_locks JOIN pg_database AS d ON d.oid = database AND datname = current_database()
    WHERE locktype = 'advisory' AND classid = $2 AND objid::bigint = hashtext($1)::bigint & 4294967295) AS held
  FROM ledger.rebuild AS r WHERE log = $1`;
