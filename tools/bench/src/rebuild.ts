import { BailiwickClient } from '@bailiwick/client/client';
import { RawEvents } from '@bailiwick/event-store/postgres/raw';
import { waitFor } from '@bailiwick/platform/servers/child';
import type { BenchOptions } from './bench';
import type { Tenant } from './large';
import { byTurns } from './rounds';

const READ = 5_000;
const REBUILT_MS = 20 * 60_000;

interface Status {
  readonly state: string;
  readonly told?: { readonly events: number; readonly seconds: number; readonly differences: number };
}

/** Read models made again from position 0, compared and switched to, against reading the events and nothing more. */
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
          await waitFor(`the read models of ${log}`, REBUILT_MS, async () => {
            status = await admin.get<Status>('/v1/rebuilds');
            return status.state !== 'running';
          });
          const { state, told } = status;
          if (state !== 'done' || told?.differences !== 0)
            throw new Error(`the rebuild ended as ${state}: ${JSON.stringify(told)}`);
          return told.events / told.seconds;
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
