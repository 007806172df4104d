import type { BenchOptions } from './bench';
import { actionRequests, CONNECTIONS } from './decisions';
import { openLeases, type System } from './system';

const LOAD_MS = 20_000;
const LOOK_MS = 100;

/** Asked at `from`, told by `to`: the log reached up to `head`, or, of the ledger, its tree and read models did. */
interface Sighting {
  readonly from: number;
  readonly to: number;
  readonly head: number;
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

/** Looks at both ends of the log, again and again. */
class Watch {
  private readonly log: Sighting[] = [];
  private readonly ledger: Sighting[] = [];
  private ending = false;
  private readonly looking: Promise<unknown>;

  constructor(private readonly system: System) {
    this.looking = Promise.all([this.look('/v1/events', this.log), this.look('/v1/runs', this.ledger)]);
  }

  /** @returns how long, at most, what the ledger did not have had been there, each time it was looked at */
  async end(): Promise<number[]> {
    this.ending = true;
    await this.looking;
    return this.ledger.map(({ to, head }) => {
      const passed = this.log.findIndex((each) => each.head > head);
      const before = this.log[passed - 1]?.from ?? Infinity; // not there yet when the look before this one began
      return Math.max(0, to - before);
    });
  }

  private async look(path: string, into: Sighting[]): Promise<void> {
    const { url, keys } = this.system.credentials;
    const headers = { authorization: `Bearer ${keys.analyst}` };
    while (!this.ending) {
      const from = performance.now();
      const answer = await fetch(`${url}${path}?limit=1`, { headers });
      const { asOf } = (await answer.json()) as { asOf: Record<string, number> };
      into.push({ from, to: performance.now(), head: asOf['default/0'] ?? -1 });
      await new Promise((again) => setTimeout(again, LOOK_MS));
    }
  }
}
