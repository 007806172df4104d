import { BailiwickClient, type Granted } from '@bailiwick/client/client';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { connectBus } from '@bailiwick/messaging/connect';
import { commandSubject } from '@bailiwick/messaging/subjects';
import { randomUUID } from 'node:crypto';
import type { BenchOptions } from './bench';
import { benchEntryCounts } from './entries';
import { postOf, type Driven } from './load/http-driver';
import { askUntilPermitted, makeTenant, type Tenant } from './data/large';
import { startCerbos, startEcho, startNatsEcho, type Peer } from './load/peers';
import { benchPolicyLoad, largeBundle } from './policy-load';
import { RawEvents, type RawRow } from './data/raw-events';
import type { Report } from './report/report';
import { byTurns, quantile, type Measure } from './report/rounds';
import { openLeases, type System } from './system';

/** Enough that no contender ever waits for a request, so that the figures compare work and not latency. */
export const CONNECTIONS = 256;
const ROUND_MS = 3_000;
/** Code that is compiled at run time reaches full speed after about ten seconds of work. */
const WARM_UP = 3;
/** decisions per AuthZEN request */
const BATCH = 50;
const BATCH_CONNECTIONS = 32;
const LOG = 'default/0';
const MESSAGES = 2_048;

/**
 * Measures durable, budgeted decisions, with all services, servers and the load generator on this machine. Each permit
 * is charged to two leases and committed before the response; Cerbos and the echo servers store no decision.
 */
export async function benchDecisions(options: BenchOptions): Promise<void> {
  const peers = await startPeers(options.report);
  try {
    await benchIdle(options); // first, because the other benchmarks write events that cause snapshots
    await benchHttp(options, peers);
    await benchBatches(options);
    await benchNats(options);
    await benchEntries(options);
    await benchEntryCounts(options.report, options.rounds);
    await benchPolicyLoad(options.report, options.rounds);
    await benchDeployed(options);
    await benchLarge(options);
  } finally {
    for (const peer of Object.values(peers)) await peer?.stop();
  }
}

type Peers = Record<'fastify-echo' | 'cerbos' | 'cerbos-audit', Peer | undefined>;

async function startPeers(report: Report): Promise<Peers> {
  const note = (text: string): void => report.note(text);
  return {
    'fastify-echo': await startEcho(),
    cerbos: await startCerbos(false, note),
    'cerbos-audit': await startCerbos(true, note),
  };
}

async function benchHttp({ system, driver, report, rounds }: BenchOptions, peers: Peers): Promise<void> {
  const http =
    (port: number, requests: () => Promise<string[]> | string[]): Measure =>
    async () =>
      perSecond(
        await driver.drive({
          kind: 'http',
          host: '127.0.0.1',
          port,
          requests: await requests(),
          connections: CONNECTIONS,
          ms: ROUND_MS,
        }),
      );
  const contenders: Record<string, Measure> = {
    actions: http(system.port, async () => actionRequests(await openLeases(system, 8, 32))),
    evaluation: http(system.port, async () => evaluationRequests(await openLeases(system, 8, 32))),
  };
  for (const [name, peer] of Object.entries(peers)) {
    if (peer) contenders[name] = http(peer.port, name === 'fastify-echo' ? echoRequests : cerbosRequests);
  }
  const figures = await byTurns(contenders, rounds, WARM_UP);
  for (const metric of ['actions', 'evaluation'] as const) {
    for (const name of Object.keys(peers)) {
      if (figures[name]) report.against(`http.${metric}`, '1/s', name, figures[metric] ?? [], figures[name]);
    }
  }
}

/** Compares fifty decisions per request with plain inserts of the same events in groups of the same size. */
async function benchBatches({ system, driver, report, rounds }: BenchOptions): Promise<void> {
  const raw = await rawInserter(system);
  try {
    const figures = await byTurns(
      {
        ours: async () => {
          const requests = batchRequests(await openLeases(system, 8, 32), system.credentials.keys.enforcer as string);
          const job = {
            kind: 'http',
            host: '127.0.0.1',
            port: system.port,
            requests,
            connections: BATCH_CONNECTIONS,
            ms: ROUND_MS,
          } as const;
          return perSecond(await driver.drive(job)) * BATCH;
        },
        theirs: () => raw.perSecond(BATCH, ROUND_MS),
      },
      rounds,
      WARM_UP,
    );
    report.against('http.evaluations50', '1/s', 'raw-insert', figures.ours, figures.theirs);
  } finally {
    await raw.close();
  }
}

/** Compares the latency for a single caller with one round trip plus one commit, which every durable response needs. */
async function benchIdle({ system, driver, report, rounds }: BenchOptions): Promise<void> {
  const raw = new RawEvents(system.databaseUrl);
  const { nats } = system.secrets;
  const bus = await connectBus({
    url: system.natsUrl,
    user: 'gateway',
    pass: nats.gateway,
    name: 'bench',
    inboxPrefix: '_INBOX.gateway',
  });
  const echo = await startNatsEcho(system.natsUrl, 'delegation', nats.delegation, ECHO);
  const timesOf = async (once: () => Promise<unknown>): Promise<number> => {
    const times: number[] = [];
    for (let i = 0; i < 500; i++) {
      const started = performance.now();
      await once();
      times.push(performance.now() - started);
    }
    return quantile(
      times.sort((a, b) => a - b),
      0.5,
    );
  };
  try {
    const requests = actionRequests(await openLeases(system, 1, 16));
    const p50: number[] = [];
    const figures = await byTurns(
      {
        p99: async () => {
          const job = {
            kind: 'http',
            host: '127.0.0.1',
            port: system.port,
            requests,
            connections: 1,
            ms: ROUND_MS,
          } as const;
          const { latencies } = await driver.drive(job);
          p50.push(quantile(latencies, 0.5));
          return quantile(latencies, 0.99);
        },
        floor: async () =>
          (await timesOf(() => bus.request(ECHO, { value: 'x'.repeat(500) }, 1_000))) +
          (await timesOf(() => raw.commit(LOG))),
      },
      rounds,
      WARM_UP,
    );
    report.against('http.actions.p99_idle', 'ms', 'rtt-plus-commit', figures.p99, figures.floor);
    report.note(
      `p50 of the same requests: ${quantile(
        p50.slice(-rounds).sort((a, b) => a - b),
        0.5,
      ).toFixed(2)} ms`,
    );
  } finally {
    await echo.stop();
    await bus.drain();
    await raw.close();
  }
}

const ECHO = 'bailiwick.command.bench-echo.0';

/** Measures the log's owner alone: one command per message, with as many pending as an owner commits in one batch. */
async function benchNats({ system, driver, report, rounds }: BenchOptions): Promise<void> {
  const { nats } = system.secrets;
  const echo = await startNatsEcho(system.natsUrl, 'delegation', nats.delegation, ECHO);
  const job = (subject: string, values: unknown[]) =>
    ({
      kind: 'nats',
      url: system.natsUrl,
      user: 'gateway',
      pass: nats.gateway,
      subject,
      values,
      concurrency: 256,
      ms: ROUND_MS,
    }) as const;
  try {
    const figures = await byTurns(
      {
        ours: async () =>
          perSecond(await driver.drive(job(commandSubject(LOG), commands(await openLeases(system, 8, 32))))),
        theirs: async () => perSecond(await driver.drive(job(ECHO, commands(await openLeases(system, 1, 1))))),
      },
      rounds,
      WARM_UP,
    );
    report.against('nats.authorize', '1/s', 'nats-echo', figures.ours, figures.theirs);
  } finally {
    await echo.stop();
  }
}

/** Compares leases with fifty permissions with leases with one. The last entry admits the calls. */
async function benchEntries({ system, driver, report, rounds }: BenchOptions): Promise<void> {
  const entry = (match: string) => ({ actions: ['file.read'], resources: [{ type: 'file', match }] });
  const of = (count: number): Measure => {
    const permissions = times((i) => entry(i < count - 1 ? `repo/p${i}/**` : 'repo/src/**'), count);
    return async () => {
      const leases = await openLeases(system, 8, 32, { permissions });
      const job = {
        kind: 'http',
        host: '127.0.0.1',
        port: system.port,
        requests: actionRequests(leases),
        connections: CONNECTIONS,
        ms: ROUND_MS,
      } as const;
      return perSecond(await driver.drive(job));
    };
  };
  const figures = await byTurns({ entries50: of(50), entries1: of(1) }, rounds, WARM_UP);
  report.against('entries50', '1/s', 'entries1', figures.entries50, figures.entries1);
}

/** Compares a tenant that deployed a large bundle with one under the default bundle, over HTTP. */
async function benchDeployed({ system, driver, report, rounds }: BenchOptions): Promise<void> {
  const of = async (name: string, bundle?: PolicyBundle): Promise<Measure> => {
    const tenant = await makeTenant(system, name, { chains: 256, depth: 2, rules: 0 }, report);
    const client = new BailiwickClient({ url: system.credentials.url, key: tenant.keys.admin as string });
    if (bundle) await client.deployPolicy({ 'policy.yaml': JSON.stringify(bundle) }, 0);
    await askUntilPermitted(system, tenant);
    const job = {
      kind: 'http',
      host: '127.0.0.1',
      port: system.port,
      requests: leafRequests(tenant),
      connections: CONNECTIONS,
      ms: ROUND_MS,
    } as const;
    return async () => perSecond(await driver.drive(job));
  };
  const contenders = { large: await of('large-policy', largeBundle()), default: await of('default-policy') };
  const figures = await byTurns(contenders, rounds, WARM_UP);
  report.against('http.policy_load', '1/s', 'default-bundle', figures.large, figures.default);
}

/**
 * Compares many live leases, deep trees and active rules with a few trees of the same depth and no rule. The difference
 * is the cost of a large state.
 */
async function benchLarge({ system, driver, report, rounds, size }: BenchOptions): Promise<void> {
  const large = await makeTenant(
    system,
    'large',
    { chains: Math.ceil(size / DEEP), depth: DEEP, rules: RULES },
    report,
  );
  const small = await makeTenant(system, 'small', { chains: 256, depth: DEEP, rules: 0 }, report);
  const of = (tenant: Tenant): Measure => {
    const job = {
      kind: 'http',
      host: '127.0.0.1',
      port: system.port,
      requests: leafRequests(tenant),
      connections: CONNECTIONS,
      ms: ROUND_MS,
    } as const;
    return async () => perSecond(await driver.drive(job));
  };
  await askUntilPermitted(system, large);
  await askUntilPermitted(system, small);
  const figures = await byTurns({ large: of(large), small: of(small) }, rounds);
  report.against('large_state', '1/s', 'small-state', figures.large, figures.small);
}
/** Requests under the leaves of a tenant, by its enforcement point. */
function leafRequests({ leaves, keys }: Tenant): string[] {
  const step = Math.max(1, Math.floor(leaves.length / MESSAGES));
  const lease = (i: number) => ({ grant: { id: turn(leaves, i * step).grantId } }) as Granted;
  return times((i) => postOf('/v1/actions', action(lease(i), i), bearer(keys.enforcer as string)));
}
const DEEP = 64;
const RULES = 10_000;

/** @throws if any request was refused, because the figure would then measure refusals */
function perSecond({ done, refused, ms, example }: Driven): number {
  if (Object.keys(refused).length > 0)
    throw new Error(`the load was refused: ${JSON.stringify(refused)} ${example ?? ''}`);
  return (done / ms) * 1_000;
}

const pathOf = (i: number): string => `repo/src/f${i % 512}.ts`;
const argsOf = (i: number) => ({ path: pathOf(i), encoding: 'utf-8' });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const times = <T>(make: (i: number) => T, count = MESSAGES): T[] => Array.from({ length: count }, (_, i) => make(i));
const turn = <T>(all: readonly T[], i: number): T => all[i % all.length] as T;

const action = (lease: Granted, i: number) => ({
  grantId: lease.grant.id,
  action: { verb: 'file.read', args: argsOf(i) },
  resource: { type: 'file', id: pathOf(i) },
});
export const actionRequests = (leases: readonly Granted[]): string[] =>
  times((i) => postOf('/v1/actions', action(turn(leases, i), i), bearer(turn(leases, i).token)));

const evaluation = (lease: Granted, i: number) => ({
  subject: { type: 'grant', id: lease.grant.id },
  action: { name: 'file.read', properties: { args: argsOf(i) } },
  resource: { type: 'file', id: pathOf(i) },
});
const evaluationRequests = (leases: readonly Granted[]): string[] =>
  times((i) => postOf('/access/v1/evaluation', evaluation(turn(leases, i), i), bearer(turn(leases, i).token)));
const batchRequests = (leases: readonly Granted[], key: string): string[] =>
  times(
    (n) =>
      postOf(
        '/access/v1/evaluations',
        { evaluations: times((i) => evaluation(turn(leases, n * BATCH + i), i), BATCH) },
        bearer(key),
      ),
    256,
  );

/** Requests with as much to parse and to send back as an action. */
const echoRequests = (): string[] =>
  times((i) =>
    postOf('/echo', action({ grant: { id: `grt_0_${'0'.repeat(26)}` } } as Granted, i), bearer('x'.repeat(400))),
  );

const cerbosRequests = (): string[] =>
  times((i) =>
    postOf('/api/check/resources', {
      requestId: String(i),
      principal: { id: 'run_1', roles: ['reader'], attr: { expiresAt: '2100-01-01T00:00:00Z', agentClass: 'reader' } },
      resources: [{ actions: ['file.read'], resource: { kind: 'file', id: pathOf(i), attr: { path: pathOf(i) } } }],
    }),
  );

const commands = (leases: readonly Granted[]): unknown[] =>
  times((i) => {
    const lease = turn(leases, i);
    const { action: asked, ...where } = action(lease, i);
    return {
      commands: [
        {
          ...where,
          type: 'authorize',
          log: LOG,
          commandId: `cmd_${randomUUID()}`,
          actor: { kind: 'run', id: lease.run.id },
          action: { verb: asked.verb, argsDigest: `sha256:${'0'.repeat(64)}` },
          proof: { vouched: false },
          payload: { salt: 'A'.repeat(22), value: { args: asked.args } },
        },
      ],
    };
  }, 32_768);

/** Inserts copies of a real event into a dedicated log, without a fold or a check. */
async function rawInserter(
  system: System,
): Promise<{ perSecond(group: number, ms: number): Promise<number>; close(): Promise<void> }> {
  const eventlog = new PostgresEventLog(system.databaseUrl, { max: 1 });
  const log = `bench-${randomUUID().slice(0, 8)}/0`;
  await eventlog.createLog(log);
  const [like] = await eventlog.search({ tenant: 'default', type: 'ActionPermitted', limit: 1 });
  await eventlog.close();
  if (!like) throw new Error('no ActionPermitted event to copy');
  const { body, payload, type, time } = like;
  const event = JSON.parse(body) as Record<'treeId' | 'runId' | 'grantId' | 'actionId' | 'commandId', string>;
  const ids = [event.treeId, event.runId, event.grantId, event.actionId];
  const row: RawRow = {
    type,
    time,
    body,
    payload: payload ?? null,
    tenant: log.split('/')[0] as string,
    ids,
    commandId: event.commandId,
  };
  const raw = new RawEvents(system.databaseUrl);
  let next = 0;
  return {
    async perSecond(group, ms) {
      const started = performance.now();
      const first = next;
      while (performance.now() - started < ms) {
        await raw.insert(
          log,
          next,
          Array.from({ length: group }, () => row),
        );
        next += group;
      }
      return ((next - first) / (performance.now() - started)) * 1_000;
    },
    close: () => raw.close(),
  };
}
