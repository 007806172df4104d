import { BailiwickClient } from '@bailiwick/client/client';
import { waitFor } from '@bailiwick/platform/local-servers/child';
import type { BenchOptions } from './bench';
import type { Tenant } from './data/large';
import { RawEvents } from './data/raw-events';
import { byTurns } from './report/rounds';

const READ = 5_000;
const REBUILD_MS = 20 * 60_000;

interface Status {
  readonly state: string;
  readonly told?: { readonly events: number; readonly seconds: number; readonly differences: number };
}

/** Compares a rebuild of the read models from position 0, with comparison and switch-over, with only reading the events. */
export async function benchRebuild(
  { system, report, rounds }: BenchOptions,
  { log, keys }: Pick<Tenant, 'log' | 'keys'>,
): Promise<void> {
  const admin = new BailiwickClient({ url: system.credentials.url, key: keys.admin as string });
  const raw = new RawEvents(system.databaseUrl);
  try {
    const figures = await byTurns(
      {
        ours: async () => {
          await admin.post('/v1/rebuilds', {});
          let status: Status = { state: 'running' };
          await waitFor(`the read models of ${log}`, REBUILD_MS, async () => {
            status = await admin.get<Status>('/v1/rebuilds');
            return status.state !== 'running';
          });
          const { state, told: result } = status;
          if (state !== 'done' || result?.differences !== 0)
            throw new Error(`the rebuild ended as ${state}: ${JSON.stringify(result)}`);
          return result.events / result.seconds;
        },
        theirs: async () => {
          const started = performance.now();
          for (let from = 0; ; from += READ) {
            const events = await raw.read(log, from, READ);
            if (events.length < READ) return ((from + events.length) / (performance.now() - started)) * 1_000;
          }
        },
      },
      rounds,
    );
    report.against('rebuild', 'events/s', 'raw-read', figures.ours, figures.theirs);
  } finally {
    await raw.close();
  }
}
