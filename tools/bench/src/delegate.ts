import type { BenchOptions } from './bench';
import { postOf } from './load/http-driver';
import { startEcho } from './load/peers';
import { byTurns } from './report/rounds';
import { openLeases } from './system';

const ROUND_MS = 3_000;
const CONNECTIONS = 64;
/** enough for one round, because the number of children per lease is limited */
const PARENTS = 64;

/** Compares delegations, each decided, committed and returned with a token, with an echo of the same request. */
export async function benchDelegate({ system, driver, report, rounds }: BenchOptions): Promise<void> {
  const echo = await startEcho();
  const body = {
    agent: { class: 'worker' },
    task: 'Read one folder',
    grant: {
      actions: { allow: ['file.read'] },
      resources: [{ type: 'file', match: 'repo/src/**' }],
      budget: { calls: 100 },
    },
  };
  const key = { authorization: `Bearer ${system.credentials.keys.orchestrator as string}` };
  const drive = async (port: number, requests: string[]): Promise<number> => {
    const job = { kind: 'http', host: '127.0.0.1', port, requests, connections: CONNECTIONS, ms: ROUND_MS } as const;
    const { done, ms, refused, example } = await driver.drive(job);
    if (Object.keys(refused).length > 0)
      throw new Error(`the load was refused: ${JSON.stringify(refused)} ${example ?? ''}`);
    return (done / ms) * 1_000;
  };
  try {
    const figures = await byTurns(
      {
        ours: async () => {
          const parents = await openLeases(system, PARENTS, 0);
          return drive(
            system.port,
            parents.map(({ grant }) => postOf(`/v1/grants/${grant.id}/delegations`, body, key)),
          );
        },
        theirs: () => drive(echo.port, [postOf('/echo', body, key)]),
      },
      rounds,
    );
    report.against('delegate', 'grants/s', 'fastify-echo', figures.ours, figures.theirs);
  } finally {
    await echo.stop();
  }
}
