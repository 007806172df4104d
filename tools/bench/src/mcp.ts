import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readStatus } from '@bailiwick/cli/up/supervisor';
import { waitFor } from '@bailiwick/platform/local-servers/child';
import type { BenchOptions } from './bench';
import { postOf, type Driven } from './load/http-driver';
import { startMcpEcho } from './load/peers';
import { byTurns, quantile } from './report/rounds';
import { openLeases, type System } from './system';

const CONNECTIONS = [1, 8, 32];
const ROUND_MS = 2_000;
const START_MS = 30_000;
const CATALOG = `catalog:
  - { tools: [mcp__echo__read], verb: file.read, effects: [read], risk: low, resource: { type: file, id: "{+/path}" } }
rules: []
`;

/**
 * Measures calls of a tool of MCP: to a server that does nothing, and to the same server through the boundary, which
 * decides each call, and reports and records its outcome. The same client makes both.
 */
export async function benchMcp({ system, driver, report, rounds }: BenchOptions): Promise<void> {
  const peer = await startMcpEcho();
  try {
    const through = await boundaryOf(system, peer.port);
    const leases = await openLeases(system, 4, 32);
    const request = (path: string, token?: string): string =>
      postOf(
        path,
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'read', arguments: { path: 'repo/src/a.ts' } } },
        {
          accept: 'application/json, text/event-stream',
          'mcp-protocol-version': '2025-11-25',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
      );
    const direct = [request('/mcp')];
    const guarded = leases.map(({ token }) => request('/mcp/echo', token));
    const counted = (): Promise<number> =>
      fetch(`http://127.0.0.1:${peer.port}/`).then(async (r) => Number(await r.text()));
    /** @throws if a call is refused, or the server has received another number of calls */
    const drive = async (port: number, requests: string[], connections: number, ms: number): Promise<Driven> => {
      const before = await counted();
      const driven = await driver.drive({ kind: 'http', host: '127.0.0.1', port, requests, connections, ms });
      const made = (await counted()) - before;
      if (made !== driven.done || driven.example !== undefined)
        throw new Error(`${driven.done} calls were answered, the server received ${made}: ${driven.example ?? ''}`);
      return driven;
    };

    for (const connections of CONNECTIONS) {
      const p99 = { boundary: [] as number[], direct: [] as number[] };
      const measured = async (name: keyof typeof p99, port: number, requests: string[]): Promise<number> => {
        const { latencies } = await drive(port, requests, connections, ROUND_MS);
        p99[name].push(quantile(latencies, 0.99));
        return quantile(latencies, 0.5);
      };
      const p50 = await byTurns(
        {
          boundary: () => measured('boundary', through.port, guarded),
          direct: () => measured('direct', peer.port, direct),
        },
        rounds,
      );
      const of = `_${connections}`;
      report.against(`p50_ms${of}`, 'ms', 'direct', p50.boundary, p50.direct);
      report.against(`p99_ms${of}`, 'ms', 'direct', p99.boundary.slice(-rounds), p99.direct.slice(-rounds));
      const added = p50.boundary.map((each, i) => each - (p50.direct[i] as number));
      report.against(`added_p50_ms${of}`, 'ms', 'direct', added, p50.direct);
    }
  } finally {
    await peer.stop();
  }
}

/** Registers the server, has its tool approved and its meaning deployed. */
async function boundaryOf(system: System, port: number): Promise<{ readonly port: number }> {
  const servers = { echo: { upstream: { url: `http://127.0.0.1:${port}/mcp` } } };
  writeFileSync(join(system.dataDir, 'mcp.json'), JSON.stringify({ servers }));
  await waitFor('the boundary', START_MS, async () => readStatus(system.dataDir)?.boundary !== undefined);
  const admin = system.as('admin');
  await admin.post('/v1/policies', { bundle: { 'mcp.yaml': CATALOG }, replaces: 0 });
  await waitFor('the boundary to answer', START_MS, () =>
    admin.get('/v1/mcp/servers/echo').then(
      () => true,
      () => false,
    ),
  );
  const { digest } = await admin.get<{ digest: string }>('/v1/mcp/servers/echo');
  await admin.post('/v1/mcp/servers/echo/approval', { digest });
  return { port: Number(new URL(readStatus(system.dataDir)?.boundary ?? '').port) };
}
