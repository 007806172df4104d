import type { BenchOptions } from './bench';
import { actionRequests, CONNECTIONS } from './decisions';
import { openLeases, type System } from './system';

const LOAD_MS = 20_000;
const POLL_MS = 100;

/** A response of the ledger at `at` (epoch ms): its tree and read models hold the events up to `last`. */
interface Sighting {
  readonly at: number;
  readonly last: number;
}

/** Measures the time from a commit until tree and read models hold it, under the highest load the machine can take. */
export async function benchLag({ system, driver, report }: BenchOptions): Promise<void> {
  const requests = actionRequests(await openLeases(system, 8, 32));
  const job = { kind: 'http', host: '127.0.0.1', port: system.port, requests, connections: CONNECTIONS } as const;
  await driver.drive({ ...job, ms: LOAD_MS / 2 });
  const watch = new LagWatch(system);
  const { done, ms } = await driver.drive({ ...job, ms: LOAD_MS });
  const lags = await watch.end();
  const worst = Math.max(...lags) / 1_000;
  report.alone('lag_s', 's', worst, `the longest of ${lags.length}, at ${Math.round((done / ms) * 1_000)} decisions/s`);
}

/** Polls the position of the ledger. */
class LagWatch {
  private readonly sightings: Sighting[] = [];
  private ending = false;
  private readonly polling: Promise<void>;

  constructor(private readonly system: System) {
    this.polling = this.poll();
  }

  /** @returns for each poll the age of the first event that the ledger did not hold, in ms; 0 if it held all */
  async end(): Promise<number[]> {
    this.ending = true;
    await this.polling;
    const lags: number[] = [];
    for (const { at, last } of this.sightings) {
      const { items } = await this.get<{ items: { time: string }[] }>(`/v1/events?limit=1&after=${last}`);
      const [missing] = items;
      lags.push(missing ? Math.max(0, at - Date.parse(missing.time)) : 0);
    }
    return lags;
  }

  private async poll(): Promise<void> {
    while (!this.ending) {
      const { asOf } = await this.get<{ asOf: Record<string, number> }>('/v1/runs?limit=1');
      this.sightings.push({ at: Date.now(), last: asOf['default/0'] ?? -1 });
      await new Promise((resume) => setTimeout(resume, POLL_MS));
    }
  }

  private async get<T>(path: string): Promise<T> {
    const { url, keys } = this.system.credentials;
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${keys.analyst}` } });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
}
