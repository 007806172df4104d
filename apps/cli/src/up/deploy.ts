import { chmodSync, chownSync, copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { natsConfig } from '@bailiwick/platform/servers/nats';
import { ensureCredentials, ensureSecrets, SERVICES, writePrivate, type Secrets, type ServiceName } from './secrets';

export interface DeployOptions {
  /** a folder for each part is made in it */
  readonly out: string;
  /** `host:port` of the PostgreSQL server, as the services reach it */
  readonly postgres: string;
  /** `host:port` of the NATS server, as the services reach it */
  readonly nats: string;
  /** where the gateway's users reach it */
  readonly url: string;
  /** the gateway's own address */
  readonly listen: { readonly host: string; readonly port: number };
  /** the user whose processes read the files, where it is another than the one that writes them */
  readonly uid?: number | undefined;
}

/** What each service finds in its folder, and nothing that belongs to another. */
const FILES: Record<ServiceName, readonly string[]> = {
  delegation: [],
  intent: [],
  ledger: ['keys/log.pem', 'keys/witness.pem'],
  gateway: ['keys/token.pem', 'keys/pseudonym.key', 'credentials.json'],
};

/** What is there only where somebody has put it: whose logs may be imported, whose cosignatures are wanted, and how one signing key followed another. */
const WHERE_THERE: Partial<Record<ServiceName, readonly string[]>> = {
  delegation: ['import-keys.json'],
  ledger: ['witnesses.json', 'keys/log.handovers'],
};

/**
 * Makes every key and password of an installation whose parts run apart, a folder for each: `postgres` (the
 * administrator's password), `nats` (the server's configuration), `migrate`, and one per service with its environment
 * (`env`) and its keys. `state` has all of it and is nobody's: what is put or changed there (`witnesses.json`, a new key
 * of the log) reaches its service when this is run again. It finds what is there then: nobody is locked out.
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
    const given = (WHERE_THERE[name] ?? []).filter((file) => existsSync(join(state, file)));
    for (const file of [...FILES[name], ...given]) {
      copyFileSync(join(state, file), join(dir, file));
      chmodSync(join(dir, file), 0o600);
    }
  }
  const made = ['migrate', ...SERVICES].map((name) => join(out, name));
  if (uid !== undefined) made.forEach((dir) => giveTo(dir, uid));
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
    BAILIWICK_DATA: '/conf', // where the container finds this folder
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

/** The secrets of an installation made by `writeDeployment`, from its `migrate` folder. */
export const deployedSecrets = (dir: string): string => {
  const file = resolve(dir, 'secrets.json');
  if (!existsSync(file)) throw new Error(`${file} is not there: run \`bailiwick setup --out\` first`);
  return file;
};
