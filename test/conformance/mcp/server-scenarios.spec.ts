import { InProcessBoundary } from '../../support/boundary';
import { ConformanceServer } from '../../support/mcp/conformance-server';
import {
  runServerScenario,
  runServerScenarios,
  startTokenProxy,
  type Outcome,
  type Revision,
} from '../../support/mcp/conformance-suite';

/** The same server for each revision. */
const SERVERS = { '2026-07-28': 'mcp', '2025-11-25': 'sessions' } as const;
const SLOW_RUNS = 3;

/** What differs: the boundary answers a list with JSON, which it may, where the server opens a stream for each answer. */
const ON_STREAMS: Record<Revision, Outcome> = {
  '2026-07-28': {},
  '2025-11-25': {
    'server-sse-multiple-streams': ['server-accepts-multiple-post-streams SUCCESS'],
    'server-sse-polling': [],
  },
};

/** What the boundary refuses in place of a server that does not: headers that state other arguments than the body. */
const REFUSED_HERE = 'http-custom-header-server-validation';
const succeeded = (checks: readonly string[] = []): string[] => checks.map((check) => `${check.split(' ')[0]} SUCCESS`);

describe('an MCP server behind the boundary', () => {
  const server = new ConformanceServer();
  let boundary: InProcessBoundary;

  beforeAll(async () => {
    await server.start();
    const upstreams = Object.entries(SERVERS).map(([name, path]) => [name, { url: server.url(path) }]);
    const catalog = Object.keys(SERVERS).map((name) => ({
      tools: [`mcp__${name}__*`, `mcp__${name}__*/*`],
      verb: `server${name.slice(0, 4)}.use`,
      effects: ['read'],
      risk: 'low',
    }));
    boundary = await InProcessBoundary.start(Object.fromEntries(upstreams) as never, catalog);
  });
  afterAll(async () => {
    await boundary.stop();
    await server.stop();
  });

  /** The scenarios wait half a second for some answers: those that differ are run again, for a machine that is busy. */
  async function through(url: string, revision: Revision, direct: Outcome): Promise<Outcome> {
    let found = await runServerScenarios(url, revision);
    for (let run = 0; run < SLOW_RUNS; run++) {
      const other = Object.keys(direct).filter((name) => found[name]?.join() !== direct[name]?.join());
      for (const name of other) found = { ...found, ...(await runServerScenario(url, revision, name)) };
    }
    return found;
  }

  it.each(Object.keys(SERVERS) as Revision[])(
    'passes the scenarios of %s as it does directly',
    async (revision) => {
      const own = await runServerScenarios(server.url(SERVERS[revision]), revision);
      const refused: Outcome = own[REFUSED_HERE] ? { [REFUSED_HERE]: succeeded(own[REFUSED_HERE]) } : {};
      const direct = { ...own, ...refused, ...ON_STREAMS[revision] };
      const proxy = await startTokenProxy(`${boundary.url}/${revision}`, boundary.open('1'));
      try {
        boundary.publishedAt(new URL(proxy.url).origin);
        const ours = await through(proxy.url, revision, direct);
        expect(ours).toEqual(direct);
      } finally {
        proxy.server.close();
        proxy.server.closeAllConnections();
      }
    },
    120_000,
  );
});
