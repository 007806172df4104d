import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EVENTS_USER } from '@bailiwick/messaging/subjects';
import type { Credentials } from '../context';
import { writePrivate } from '../write-private';

const ROLES = ['admin', 'orchestrator', 'enforcer', 'approver', 'responder', 'analyst'] as const;
/** The services that always run, in the order of their start. */
export const CORE_SERVICES = ['delegation', 'ledger', 'intent', 'gateway'] as const;
/** The services that read every event of every log. */
export const READERS = ['ledger', 'intent'] as const;
/** The boundary runs once MCP servers are registered. It has no connection to the database. */
export const SERVICES = [...CORE_SERVICES, 'boundary'] as const;
export type ServiceName = (typeof SERVICES)[number];
export type CoreService = (typeof CORE_SERVICES)[number];

/** Passwords between the parts of an installation; they never leave the machine. */
export interface Secrets {
  /** password of the database administrator, if the server is external */
  readonly admin: string;
  readonly database: Record<CoreService, string>;
  readonly nats: Record<ServiceName | 'operator' | 'events' | 'route', string>;
}

/** Creates the data folder. Other users may traverse it, as the database's user must if root starts it, but not list it. */
export function makeDataDir(dataDir: string): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o711 });
  mkdirSync(join(dataDir, 'keys'), { recursive: true, mode: 0o700 });
  mkdirSync(join(dataDir, 'logs'), { recursive: true, mode: 0o700 });
}

/** Creates the keys and passwords at the first start, and returns the same ones later. */
export function ensureSecrets(dataDir: string): Secrets {
  makeDataDir(dataDir);
  ensureKey(join(dataDir, 'keys', 'log.pem'));
  ensureKey(join(dataDir, 'keys', 'token.pem'));
  ensureKey(join(dataDir, 'keys', 'witness.pem'));
  ensureSealingKey(join(dataDir, 'keys'), 'upstream');
  ensureSealingKey(join(dataDir, 'keys'), 'webhooks');
  const pseudonym = join(dataDir, 'keys', 'pseudonym.key');
  if (!existsSync(pseudonym)) writePrivate(pseudonym, randomBytes(32).toString('base64'));
  const file = join(dataDir, 'secrets.json');
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>) : undefined;
  const secrets: Secrets = {
    admin: known?.admin ?? password(),
    database: { ...passwords(CORE_SERVICES), ...known?.database },
    // an installation of an earlier build has no password for the users that were added since
    nats: { ...passwords([...SERVICES, 'operator', 'events', 'route']), ...known?.nats },
  };
  if (JSON.stringify(known) !== JSON.stringify(secrets)) writePrivate(file, JSON.stringify(secrets));
  chmodSync(file, 0o600);
  return secrets;
}

const password = (): string => randomBytes(24).toString('hex');
const passwords = <K extends string>(names: readonly K[]): Record<K, string> =>
  Object.fromEntries(names.map((name) => [name, password()])) as Record<K, string>;

function ensureKey(file: string): void {
  if (existsSync(file)) return;
  const { privateKey } = generateKeyPairSync('ed25519');
  writePrivate(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

/** Creates the key that credentials of MCP servers, or secrets of webhooks, are encrypted for, or the public part of the one that exists. */
function ensureSealingKey(keys: string, name: 'upstream' | 'webhooks'): void {
  const file = join(keys, `${name}.pem`);
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('x25519');
    writePrivate(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  chmodSync(file, 0o600);
  const publicKey = createPublicKey(readFileSync(file, 'utf8'));
  writePrivate(join(keys, `${name}.pub.pem`), publicKey.export({ type: 'spki', format: 'pem' }).toString());
}

/** Creates one API key per role for the tenant `default`; updates the address at each start. */
export function ensureCredentials(dataDir: string, url: string): Credentials {
  const file = join(dataDir, 'credentials.json');
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Credentials) : undefined;
  const keys =
    known?.keys ??
    Object.fromEntries(ROLES.map((role) => [role, `bwk_${role}_${randomBytes(32).toString('base64url')}`]));
  const credentials: Credentials = { url, tenant: 'default', keys };
  if (known?.url !== url) writePrivate(file, `${JSON.stringify(credentials, null, 2)}\n`);
  return credentials;
}

/** The users of the NATS server, without the password between the servers of a cluster. */
export function natsUsers({ nats: { route: _, ...users } }: Secrets): Record<string, string> {
  return users;
}

/** The environment with which the ledger publishes the event stream. */
export const eventsUser = ({ nats }: Secrets): Record<string, string> => ({
  BAILIWICK_NATS_EVENTS_USER: EVENTS_USER,
  BAILIWICK_NATS_EVENTS_PASSWORD: nats.events,
});
