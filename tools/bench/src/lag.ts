import type { BenchOptions } from './bench';
import { actionRequests, CONNECTIONS } from './decisions';
import { openLeases, type System } from './system';

const LOAD_MS = 20_000;
const LOOK_MS = 100;

/** Tree and read models of the ledger had the events up to `last`, as was told at `at`, ms of the clock. */
interface Sighting {
  readonly at: number;
  readonly last: number;
}

/** How long what is committed takes to be in tree and read models, while as much is decided as the machine can. */
export async function benchLag({ system, driver, report }: BenchOptions): Promise<void> {
  const requests = actionRequests(await openLeases(system, 8, 32));
  const job = { kind: 'http', host: '127.0.0.1', port: system.port, requests, connections: CONNECTIONS } as const;
  await driver.drive({ ...job, ms: LOAD_MS / 2 });
  const watch = new Watch(system);
  const { done, ms } = await driver.drive({ ...job, ms: LOAD_MS });
  const lags = await watch.end();
  const worst = Math.max(...lags) / 1_000;
  report.alone('lag_s', 's', worst, `the longest of ${lags.length}, at ${Math.round((done / ms) * 1_000)} decisions/s`);
}

/** Looks at how far the ledger is, again and again. */
class Watch {
  private readonly sightings: Sighting[] = [];
  private ending = false;
  private readonly looking: Promise<void>;

  constructor(private readonly system: System) {
    this.looking = this.look();
  }

  /** @returns each time it was looked at: how old the first event was that the ledger did not have, in ms; 0 for none */
  async end(): Promise<number[]> {
    this.ending = true;
    await this.looking;
    const lags: number[] = [];
    for (const { at, last } of this.sightings) {
      const { items } = await this.get<{ items: { time: string }[] }>(`/v1/events?limit=1&after=${last}`);
      const [missing] = items;
      lags.push(missing ? Math.max(0, at - Date.parse(missing.time)) : 0);
    }
    return lags;
  }

  private async look(): Promise<void> {
    while (!this.ending) {
      const { asOf } = await this.get<{ asOf: Record<string, number> }>('/v1/runs?limit=1');
      this.sightings.push({ at: Date.now(), last: asOf['default/0'] ?? -1 });
      await new Promise((again) => setTimeout(again, LOOK_MS));
    }
  }

  private async get<T>(path: string): Promise<T> {
    const { url, keys } = this.system.credentials;
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${keys.analyst}` } });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }
}
