import { chmodSync, chownSync, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { natsConfig } from '@bailiwick/platform/servers/nats';
import { ensureCredentials, ensureSecrets, SERVICES, writePrivate, type Secrets, type ServiceName } from './secrets';

export interface DeployOptions {
  /** receives one folder per part */
  readonly out: string;
  /** `host:port` of the PostgreSQL server, as the services reach it */
  readonly postgres: string;
  /** `host:port` of the NATS server, as the services reach it */
  readonly nats: string;
  /** the address at which users reach the gateway */
  readonly url: string;
  /** the address that the gateway listens on */
  readonly listen: { readonly host: string; readonly port: number };
  /** the user that reads the files, if it differs from the one that writes them */
  readonly uid?: number | undefined;
}

/** The files of each service; no service receives a file of another. */
const FILES: Record<ServiceName, readonly string[]> = {
  delegation: [],
  intent: [],
  ledger: ['keys/log.pem', 'keys/witness.pem'],
  gateway: ['keys/token.pem', 'keys/pseudonym.key', 'credentials.json'],
};

/** Optional files: accepted export keys, requested cosignatures, and handovers of the signing key. */
const OPTIONAL_FILES: Partial<Record<ServiceName, readonly string[]>> = {
  delegation: ['import-keys.json'],
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
  place(out, 'nats', { 'nats.conf': natsConf(options, secrets) });
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

function natsConf({ nats }: DeployOptions, secrets: Secrets): string {
  const port = Number(nats.split(':')[1] ?? '4222');
  return natsConfig({ host: '0.0.0.0', port, dir: '/data' }, secrets.nats);
}

const lines = (values: Record<string, string>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

const adminEnvironment = ({ postgres }: DeployOptions, password: string): string =>
  lines({ BAILIWICK_DATABASE_URL: `postgres://postgres:${password}@${postgres}/postgres` });

function environment(name: ServiceName, { postgres, nats, url, listen }: DeployOptions, secrets: Secrets): string {
  return lines({
    NODE_ENV: 'production',
    BAILIWICK_DATA: '/conf', // the path of this folder in the container
    BAILIWICK_NATS_URL: `nats://${nats}`,
    BAILIWICK_NATS_USER: name,
    BAILIWICK_NATS_PASSWORD: secrets.nats[name],
    ...(name === 'gateway'
      ? { BAILIWICK_HOST: listen.host, BAILIWICK_PORT: String(listen.port), BAILIWICK_PUBLIC_URL: url }
      : {
          BAILIWICK_DATABASE_URL: `postgres://bailiwick_${name}:${secrets.database[name]}@${postgres}/bailiwick`,
        }),
  });
}

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
