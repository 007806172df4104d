import { chmodSync, chownSync, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { natsConfig } from '@bailiwick/platform/local-servers/nats';
import {
  ensureCredentials,
  ensureSecrets,
  eventsUser,
  natsUsers,
  SERVICES,
  type Secrets,
  type ServiceName,
} from './secrets';
import { writePrivate } from '../write-private';

export interface DeployOptions {
  /** receives one folder per part */
  readonly out: string;
  /** `host:port` of the PostgreSQL server, as the services reach it */
  readonly postgres: string;
  /** `host:port` of each NATS server, separated by commas, as the services and the other servers reach it */
  readonly nats: string;
  /** the address at which users reach the gateway */
  readonly url: string;
  /** the address at which agents reach the boundary; left out: the host of the gateway, with the port of the boundary */
  readonly boundaryUrl?: string | undefined;
  /** the address that the gateway listens on */
  readonly listen: { readonly host: string; readonly port: number };
  /** the user that reads the files, if it differs from the one that writes them */
  readonly uid?: number | undefined;
}

/** The files of each service; no service receives a file of another. */
const FILES: Record<ServiceName, readonly string[]> = {
  delegation: [],
  intent: [],
  ledger: ['keys/log.pem', 'keys/witness.pem', 'keys/webhooks.pem'],
  gateway: [
    'keys/token.pem',
    'keys/pseudonym.key',
    'keys/upstream.pub.pem',
    'keys/webhooks.pub.pem',
    'credentials.json',
  ],
  boundary: ['keys/upstream.pem'],
};

/** Optional files: accepted export keys, MCP servers and their secrets, HTTP APIs, issuers whose tokens people present, requested cosignatures, and handovers of the signing key. */
const OPTIONAL_FILES: Partial<Record<ServiceName, readonly string[]>> = {
  delegation: ['import-keys.json'],
  boundary: ['mcp.json', 'mcp-secrets.json', 'http.json'],
  gateway: ['issuers.json', 'signals.json', 'keys/token.retired.json'],
  ledger: ['witnesses.json', 'keys/log.handovers'],
};

/**
 * Writes the keys, passwords and configuration of an installation whose parts run separately, one folder per part:
 * `postgres` (the administrator's password), `nats` (the server's configuration), `migrate`, and one per service with
 * its environment (`env`) and its keys. The folder `state` holds everything and is mounted by no part; a file added or
 * changed there (`witnesses.json`, a new log key) reaches its service on the next call. Existing keys and passwords are
 * kept, so that no part is locked out.
 */
export function writeDeployment(options: DeployOptions): string[] {
  const { out, uid } = options;
  const state = join(out, 'state');
  const secrets = ensureSecrets(state);
  ensureCredentials(state, options.url);
  const admin = secrets.admin;
  place(out, 'postgres', { password: admin });
  for (const [server, config] of natsConfigs(options, secrets)) place(out, server, { 'nats.conf': config });
  place(out, 'migrate', { env: adminEnvironment(options, admin), 'secrets.json': JSON.stringify(secrets) });
  for (const name of SERVICES) {
    const dir = place(out, name, { env: environment(name, options, secrets) });
    mkdirSync(join(dir, 'keys'), { recursive: true, mode: 0o700 });
    const optional = (OPTIONAL_FILES[name] ?? []).filter((file) => existsSync(join(state, file)));
    for (const file of [...FILES[name], ...optional]) {
      copyFileSync(join(state, file), join(dir, file));
      chmodSync(join(dir, file), 0o600);
    }
  }
  const folders = ['migrate', ...SERVICES].map((name) => join(out, name));
  if (uid !== undefined) folders.forEach((dir) => giveTo(dir, uid));
  return readdirSync(out).map((name) => join(out, name));
}

function place(out: string, name: string, files: Record<string, string>): string {
  const dir = join(out, name);
  mkdirSync(dir, { recursive: true, mode: 0o755 });
  for (const [file, text] of Object.entries(files)) writePrivate(join(dir, file), text);
  return dir;
}

const BOUNDARY_PORT = 8421;

function withPort(url: string, port: number): string {
  const own = new URL(url);
  own.port = String(port);
  return own.origin;
}

/** NATS servers of a cluster reach each other on this port. */
const CLUSTER_PORT = 6222;

const natsServers = ({ nats }: DeployOptions): { host: string; port: number }[] =>
  nats.split(',').map((address) => {
    const [host = '', port = '4222'] = address.split(':');
    return { host, port: Number(port) };
  });

/** The configuration of each NATS server, by the name of its folder: `nats`, or in a cluster the host of the server. */
function natsConfigs(options: DeployOptions, secrets: Secrets): [folder: string, config: string][] {
  const servers = natsServers(options);
  const peers = servers.map(({ host }) => `${host}:${CLUSTER_PORT}`);
  return servers.map(({ host, port }) => {
    const cluster = { server: host, port: CLUSTER_PORT, password: secrets.nats.route, peers };
    const at = { host: '0.0.0.0', port, dir: '/data', ...(servers.length > 1 ? { cluster } : {}) };
    return [servers.length > 1 ? host : 'nats', natsConfig(at, natsUsers(secrets))];
  });
}

const lines = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

const adminEnvironment = ({ postgres }: DeployOptions, password: string): string =>
  lines({ BAILIWICK_DATABASE_URL: `postgres://postgres:${password}@${postgres}/postgres` });

function environment(name: ServiceName, options: DeployOptions, secrets: Secrets): string {
  const { postgres, url, listen } = options;
  const servers = natsServers(options);
  return lines({
    NODE_ENV: 'production',
    BAILIWICK_DATA: '/conf', // the path of this folder in the container
    BAILIWICK_NATS_URL: servers.map(({ host, port }) => `nats://${host}:${port}`).join(','),
    BAILIWICK_NATS_USER: name,
    BAILIWICK_NATS_PASSWORD: secrets.nats[name],
    ...(name === 'ledger'
      ? {
          ...eventsUser(secrets),
          ...stated(WEBHOOK_SETTINGS),
          BAILIWICK_EVENT_STREAM_REPLICAS: String(Math.min(3, servers.length)),
        }
      : {}),
    ...(name === 'gateway' || name === 'boundary'
      ? {
          BAILIWICK_HOST: listen.host,
          BAILIWICK_PORT: String(listen.port),
          BAILIWICK_PUBLIC_URL: url,
          // the gateway issues tokens for it
          BAILIWICK_BOUNDARY_URL: options.boundaryUrl ?? withPort(url, BOUNDARY_PORT),
          ...stated([...UPSTREAM_SETTINGS, ...(name === 'gateway' ? WEBHOOK_SETTINGS : [])]),
        }
      : {
          BAILIWICK_DATABASE_URL: `postgres://bailiwick_${name}:${secrets.database[name]}@${postgres}/bailiwick`,
        }),
    ...(name === 'boundary'
      ? {
          BAILIWICK_BOUNDARY_PORT: String(BOUNDARY_PORT),
          BAILIWICK_KEYS_URL: `http://gateway:${listen.port}/oauth/jwks`,
        }
      : {}),
  });
}

/** What MCP servers may be: gateway and boundary both enforce it. */
const UPSTREAM_SETTINGS = ['BAILIWICK_UPSTREAM_NETWORKS', 'BAILIWICK_UPSTREAM_COMMANDS', 'BAILIWICK_UPSTREAM_USER'];
/** Where webhooks may be sent: gateway and ledger both enforce it. */
const WEBHOOK_SETTINGS = ['BAILIWICK_WEBHOOK_NETWORKS'];

/** Settings as the environment of `setup` states them. */
const stated = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

function giveTo(path: string, uid: number): void {
  chownSync(path, uid, uid);
  if (lstatSync(path).isDirectory()) readdirSync(path).forEach((name) => giveTo(join(path, name), uid));
}

/** Returns the file of secrets in a `migrate` folder that `writeDeployment` wrote. */
export const deployedSecrets = (dir: string): string => {
  const file = resolve(dir, 'secrets.json');
  if (!existsSync(file)) throw new Error(`${file} does not exist: run \`bailiwick setup --out\` first`);
  return file;
};
