import { join, resolve } from 'node:path';
import { z } from 'zod';
import { Networks } from './networks';

function areNetworks(cidrs: readonly string[]): boolean {
  try {
    new Networks(cidrs);
    return true;
  } catch {
    return false;
  }
}

/**
 * The environment of a service. A missing or malformed variable is named in an error, and the service does not start.
 */
const schema = z.object({
  BAILIWICK_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be a postgres:// URL')
    .optional(),
  BAILIWICK_NATS_URL: z
    .string()
    .regex(/^nats:\/\//, 'must be a nats:// URL')
    .optional(),
  BAILIWICK_NATS_USER: z.string().optional(),
  BAILIWICK_NATS_PASSWORD: z.string().optional(),
  /** the user of the event stream, which the ledger publishes; without one, the stream is published with the other user */
  BAILIWICK_NATS_EVENTS_USER: z.string().optional(),
  BAILIWICK_NATS_EVENTS_PASSWORD: z.string().optional(),
  BAILIWICK_EVENT_STREAM: z.enum(['on', 'off']).default('on'),
  /** servers of a NATS cluster that store the event stream */
  BAILIWICK_EVENT_STREAM_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
  BAILIWICK_DATA: z.string().default('.bailiwick'),
  BAILIWICK_HOST: z.string().default('127.0.0.1'),
  BAILIWICK_PORT: z.coerce.number().int().min(0).max(65_535).default(8420),
  BAILIWICK_PUBLIC_URL: z.url().optional(),
  /** the boundary in front of MCP servers: where it listens, the address that agents use, and the keys of tokens */
  BAILIWICK_BOUNDARY_PORT: z.coerce.number().int().min(0).max(65_535).default(8421),
  BAILIWICK_BOUNDARY_URL: z.url().optional(),
  BAILIWICK_KEYS_URL: z.url().optional(),
  /** networks that MCP servers may be in, in addition to the public one: addresses or CIDRs separated by commas */
  BAILIWICK_UPSTREAM_NETWORKS: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((each) => each.trim() || []))
    .refine(areNetworks, 'must be addresses or networks such as 10.1.0.0/16, separated by commas'),
  /** `on` lets administrators register commands over the API, which the boundary runs */
  BAILIWICK_UPSTREAM_COMMANDS: z.enum(['on', 'off']).default('off'),
  /** the user that commands run as, if the boundary runs as root */
  BAILIWICK_UPSTREAM_USER: z
    .string()
    .regex(/^[1-9]\d{0,9}:[1-9]\d{0,9}$/, 'must be <uid>:<gid>, neither of them 0')
    .transform((text) => text.split(':').map(Number))
    .optional(),
  /** networks that webhooks may be sent to, in addition to the public one; in these, http is allowed too */
  BAILIWICK_WEBHOOK_NETWORKS: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((each) => each.trim() || []))
    .refine(areNetworks, 'must be addresses or networks such as 10.1.0.0/16, separated by commas'),
  BAILIWICK_ORIGIN: z
    .string()
    .regex(/^[a-z0-9.-]+$/)
    .default('bailiwick.local'),
  /** the key that signs checkpoints and receipts: a file other than keys/log.pem, or the key itself (PKCS#8, PEM) */
  BAILIWICK_LOG_KEY_FILE: z.string().optional(),
  BAILIWICK_LOG_KEY: z.string().optional(),
  BAILIWICK_WITNESS_NAME: z
    .string()
    .regex(/^[^+\s]+$/, 'must be a key name: no spaces, no plus')
    .optional(),
  /** `always` requires a nonce in every DPoP proof, so that none can be made in advance */
  BAILIWICK_DPOP_NONCE: z.enum(['restart', 'always']).default('restart'),
  /** resources that tokens may be issued for, in addition to this installation: URLs separated by commas (RFC 8707) */
  BAILIWICK_RESOURCES: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((each) => each.trim() || []))
    .pipe(z.array(z.url({ protocol: /^https?$/ }).regex(/^[^#]*$/, 'must have no fragment')).max(100)),
  /** `off` has every request pass through the framework; the responses are the same */
  BAILIWICK_FAST_PATH: z.enum(['on', 'off']).default('on'),
  /** the OpenID Connect issuers whose tokens people present; the file `issuers.json` of the data folder unless stated */
  BAILIWICK_ISSUERS_FILE: z.string().optional(),
  /** the transmitters whose security events are received; the file `signals.json` of the data folder unless stated */
  BAILIWICK_SIGNALS_FILE: z.string().optional(),
  /** where gateways serve metrics without a key, as host:port; left out, `GET /metrics` of the API needs one */
  BAILIWICK_METRICS_ADDRESS: z
    .string()
    .regex(/^(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}$/i, 'must be host:port')
    .optional(),
  BAILIWICK_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export interface Config {
  readonly databaseUrl: string;
  readonly nats: { readonly url: string; readonly user: string | undefined; readonly pass: string | undefined };
  /** how the ledger publishes the event stream; undefined if it does not */
  readonly eventStream:
    | {
        readonly url: string;
        readonly user: string | undefined;
        readonly pass: string | undefined;
        readonly replicas: number;
      }
    | undefined;
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string;
  /** where gateways serve metrics without a key */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
  readonly boundary: {
    readonly port: number;
    readonly url: string;
    /** where the public keys of grant tokens are read: `/oauth/jwks` of a gateway */
    readonly keysUrl: string;
  };
  /** what upstream MCP servers may be */
  readonly upstreams: {
    /** in addition to the public network */
    readonly networks: readonly string[];
    /** whether commands may be registered over the API */
    readonly commands: boolean;
    readonly user: { readonly uid: number; readonly gid: number } | undefined;
  };
  /** networks that webhooks may be sent to, in addition to the public one */
  readonly webhookNetworks: readonly string[];
  /** first part of every log's origin in checkpoints */
  readonly origin: string;
  readonly logLevel: string;
  readonly dpopNonce: 'restart' | 'always';
  /** URLs of other services that tokens may be issued for */
  readonly resources: readonly string[];
  /** whether plain requests are answered without the framework */
  readonly fastPath: boolean;
  /** the log's private key, unless it is in a file */
  readonly logKey: string | undefined;
  /** the name under which this installation cosigns checkpoints of others */
  readonly witnessName: string;
  readonly files: {
    readonly credentials: string;
    readonly tenants: string;
    readonly issuers: string;
    readonly signals: string;
    readonly tokenKey: string;
    readonly logKey: string;
    readonly handovers: string;
    readonly witnessKey: string;
    readonly witnesses: string;
    readonly importKeys: string;
    readonly pseudonymKey: string;
    readonly mcp: string;
    readonly http: string;
    /** secrets of MCP servers, by tenant and name */
    readonly mcpSecrets: string;
    /** encrypts credentials of MCP servers: the boundary has the key, the gateway its public part */
    readonly upstreamKey: string;
    readonly upstreamPublicKey: string;
    /** encrypts the signing secrets of webhooks: the ledger has the key, the gateway its public part */
    readonly webhooksKey: string;
    readonly webhooksPublicKey: string;
  };
}

/**
 * Reads the settings of a service. Services read the environment nowhere else (rule in eslint.config.mjs).
 * @param needs settings that this service requires
 */
export function readConfig(
  needs: readonly ('database' | 'nats')[],
  environment: NodeJS.ProcessEnv = process.env,
): Config {
  const parsed = schema.safeParse(environment);
  if (!parsed.success)
    throw new Error(
      `configuration: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`,
    );
  const env = parsed.data;
  if (needs.includes('database') && !env.BAILIWICK_DATABASE_URL)
    throw new Error('configuration: BAILIWICK_DATABASE_URL is missing (postgres://user:password@host:port/database)');
  if (needs.includes('nats') && !env.BAILIWICK_NATS_URL)
    throw new Error('configuration: BAILIWICK_NATS_URL is missing (nats://host:port)');
  const dataDir = resolve(env.BAILIWICK_DATA);
  const key = (name: string): string => join(dataDir, 'keys', name);
  const publicUrl = env.BAILIWICK_PUBLIC_URL ?? `http://${env.BAILIWICK_HOST}:${env.BAILIWICK_PORT}`;
  return {
    databaseUrl: env.BAILIWICK_DATABASE_URL ?? '',
    nats: { url: env.BAILIWICK_NATS_URL ?? '', user: env.BAILIWICK_NATS_USER, pass: env.BAILIWICK_NATS_PASSWORD },
    eventStream: eventStreamOf(env),
    dataDir,
    host: env.BAILIWICK_HOST,
    port: env.BAILIWICK_PORT,
    publicUrl,
    metrics: metricsOf(env),
    boundary: {
      port: env.BAILIWICK_BOUNDARY_PORT,
      url: env.BAILIWICK_BOUNDARY_URL ?? `http://${env.BAILIWICK_HOST}:${env.BAILIWICK_BOUNDARY_PORT}`,
      keysUrl: env.BAILIWICK_KEYS_URL ?? `${publicUrl}/oauth/jwks`,
    },
    upstreams: {
      networks: env.BAILIWICK_UPSTREAM_NETWORKS,
      commands: env.BAILIWICK_UPSTREAM_COMMANDS === 'on',
      user: userOf(env.BAILIWICK_UPSTREAM_USER),
    },
    webhookNetworks: env.BAILIWICK_WEBHOOK_NETWORKS,
    origin: env.BAILIWICK_ORIGIN,
    logLevel: env.BAILIWICK_LOG_LEVEL,
    dpopNonce: env.BAILIWICK_DPOP_NONCE,
    resources: env.BAILIWICK_RESOURCES,
    fastPath: env.BAILIWICK_FAST_PATH === 'on',
    logKey: env.BAILIWICK_LOG_KEY,
    witnessName: env.BAILIWICK_WITNESS_NAME ?? `${env.BAILIWICK_ORIGIN}/witness`,
    files: {
      credentials: join(dataDir, 'credentials.json'),
      tenants: join(dataDir, 'tenants.json'),
      issuers: env.BAILIWICK_ISSUERS_FILE ?? join(dataDir, 'issuers.json'),
      signals: env.BAILIWICK_SIGNALS_FILE ?? join(dataDir, 'signals.json'),
      tokenKey: key('token.pem'),
      logKey: env.BAILIWICK_LOG_KEY_FILE ?? key('log.pem'),
      handovers: key('log.handovers'),
      witnessKey: key('witness.pem'),
      witnesses: join(dataDir, 'witnesses.json'),
      importKeys: join(dataDir, 'import-keys.json'),
      pseudonymKey: key('pseudonym.key'),
      mcp: join(dataDir, 'mcp.json'),
      http: join(dataDir, 'http.json'),
      mcpSecrets: join(dataDir, 'mcp-secrets.json'),
      upstreamKey: key('upstream.pem'),
      upstreamPublicKey: key('upstream.pub.pem'),
      webhooksKey: key('webhooks.pem'),
      webhooksPublicKey: key('webhooks.pub.pem'),
    },
  };
}

/**
 * Returns the environment of one of several services that share a process: a variable `LEDGER__NAME` is `NAME` for the
 * ledger, and for no other service.
 */
export function environmentOf(service: string, environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const own = prefixOf(service);
  const ofService: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(environment))
    if (name.startsWith(own)) ofService[name.slice(own.length)] = value;
    else if (!name.includes(OF_SERVICE)) ofService[name] ??= value;
  return ofService;
}

/** Joins the environments of services that share a process into that of the process. */
export function joinedEnvironment(environments: Readonly<Record<string, NodeJS.ProcessEnv>>): NodeJS.ProcessEnv {
  const all = Object.values(environments);
  const isCommon = (name: string): boolean => all.every((each) => each[name] === all[0]?.[name]);
  return Object.fromEntries(
    Object.entries(environments).flatMap(([service, environment]) =>
      Object.entries(environment).map(([name, value]) => [isCommon(name) ? name : prefixOf(service) + name, value]),
    ),
  );
}

const OF_SERVICE = '__';
const prefixOf = (service: string): string => `${service.toUpperCase()}${OF_SERVICE}`;

const userOf = (ids: readonly number[] | undefined): Config['upstreams']['user'] =>
  ids && { uid: ids[0] as number, gid: ids[1] as number };

function metricsOf({ BAILIWICK_METRICS_ADDRESS: at }: z.infer<typeof schema>): Config['metrics'] {
  if (at === undefined) return undefined;
  const colon = at.lastIndexOf(':');
  return { host: at.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(at.slice(colon + 1)) };
}

function eventStreamOf(env: z.infer<typeof schema>): Config['eventStream'] {
  if (env.BAILIWICK_EVENT_STREAM === 'off') return undefined;
  return {
    url: env.BAILIWICK_NATS_URL ?? '',
    user: env.BAILIWICK_NATS_EVENTS_USER ?? env.BAILIWICK_NATS_USER,
    pass: env.BAILIWICK_NATS_EVENTS_PASSWORD ?? env.BAILIWICK_NATS_PASSWORD,
    replicas: env.BAILIWICK_EVENT_STREAM_REPLICAS,
  };
}

/** Where programs are searched that a service starts. */
export const searchPath = (environment: NodeJS.ProcessEnv = process.env): string => environment.PATH ?? '';
