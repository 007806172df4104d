import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { Bus } from '@bailiwick/messaging/connect';
import { AppModule } from '../app.module';
import { ApiKeys, digestOf, ROLES, type Role } from '../auth/api-keys';
import { GrantTokens } from '../auth/grant-tokens';
import { checkedIssuers } from '../auth/issuers/issuer-config';
import { IssuedKeys } from '../auth/issued-keys';
import { Issuers } from '../auth/issuers/issuers';
import { Pseudonyms } from '../auth/pseudonyms';
import { SessionSecrets } from '../auth/sessions/session-secrets';
import { BUS, CONFIG, LOGGER, type GatewayConfig } from '../config';
import { configureHttp } from '../gateway-application';
import { EndpointRegistry } from '../http/endpoints/endpoint-registry';
import { HttpAdapter } from '../http/http-adapter';
import { IncomingBodies } from '@bailiwick/edge/incoming-bodies';
import { Transmitters } from '../signals/signal-receiver';
import { checkedTransmitters } from '../signals/transmitter-config';
import { busThat, type BusReply } from './bus';
import { ISSUER, tokensAt, type Clock } from './tokens';

export interface GatewayOptions {
  readonly bus?: Bus;
  readonly fastPath?: boolean;
  readonly bodies?: IncomingBodies;
  /** of grant tokens and DPoP proofs */
  readonly clock?: Clock;
  /** as in `issuers.json` */
  readonly issuers?: readonly unknown[];
  /** as in `signals.json` */
  readonly transmitters?: readonly unknown[];
  /** receives the errors that the gateway logs */
  readonly errors?: unknown[];
}

export interface Gateway {
  readonly app: NestFastifyApplication;
  readonly port: number;
  readonly server: Server;
  close(): Promise<void>;
}

/** Returns the API key of a role. The key contains its tenant. */
export const keyOf = (role: Role, tenant = 'default'): string => `bwk_${tenant}_${role}_0123456789`;

/** digest → the holder of a key that was presented */
const known = new Map<string, object>();
const keys = {
  isOwn: (tenant: string) => tenant === 'default',
  holderOf: (key: { digest?: string }) => Promise.resolve(key.digest === undefined ? undefined : known.get(key.digest)),
  find: (key: string) => {
    const [, tenant, role] = /^bwk_([a-z0-9-]+)_([a-z]+)_0123456789$/.exec(key) ?? [];
    const holder = ROLES.includes(role as Role) ? { tenant, role, name: role } : undefined;
    if (holder) known.set(digestOf(key), holder);
    return holder;
  },
};
const view = {
  id: `key_${'0'.repeat(26)}`,
  name: 'some',
  role: 'analyst',
  createdAt: '2026-01-01T00:00:00.000Z',
  status: 'active',
} as const;
const issued = { view, secret: 'bwk_analyst_secret', position: 1 };
const issuedKeys = {
  addTenant: () => ({}),
  reissue: () => ({}),
  forget: () => Promise.resolve(),
  list: () => Promise.resolve([view]),
  issue: () => Promise.resolve(issued),
  rotate: () => Promise.resolve(issued),
  revoke: () => Promise.resolve({ view, position: 1 }),
} satisfies { [K in keyof IssuedKeys]?: unknown };

const refused: BusReply = { value: { ok: false, refusal: { code: 'NOT_FOUND', detail: 'not here' } } };

/** Makes the whole application without a socket, over a bus whose other end is a function. */
export async function makeGateway(options: GatewayOptions = {}): Promise<NestFastifyApplication> {
  const config = {
    publicUrl: ISSUER,
    resources: [] as readonly string[],
    fastPath: options.fastPath ?? process.env.BAILIWICK_FAST_PATH !== 'off',
  } as GatewayConfig;
  const error = (line: unknown): void => void options.errors?.push(line);
  const testing = Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(CONFIG)
    .useValue(config)
    .overrideProvider(LOGGER)
    .useValue({ info: () => undefined, warn: () => undefined, error })
    .overrideProvider(BUS)
    .useValue({ ...(options.bus ?? busThat(() => refused).bus), drain: () => Promise.resolve() })
    .overrideProvider(ApiKeys)
    .useValue(keys)
    .overrideProvider(IssuedKeys)
    .useValue(issuedKeys)
    .overrideProvider(GrantTokens)
    .useValue(tokensAt(options.clock ?? { now: Date.now() }))
    .overrideProvider(Issuers)
    .useValue(
      new Issuers(checkedIssuers({ issuers: options.issuers ?? [] }, ISSUER), () => options.clock?.now ?? Date.now()),
    )
    .overrideProvider(Transmitters)
    .useValue(
      new Transmitters(
        checkedTransmitters({ transmitters: options.transmitters ?? [] }, ISSUER),
        () => options.clock?.now ?? Date.now(),
      ),
    )
    .overrideProvider(SessionSecrets)
    .useValue(new SessionSecrets(Buffer.alloc(32, 9)))
    .overrideProvider(Pseudonyms)
    .useValue(new Pseudonyms(Buffer.alloc(32, 7)));
  if (options.bodies) testing.overrideProvider(IncomingBodies).useValue(options.bodies);
  const module = await testing.compile();
  const app = module.createNestApplication<NestFastifyApplication>(new HttpAdapter(), {
    bodyParser: false,
    logger: false,
  });
  configureHttp(app);
  await app.init();
  return app;
}

/** Makes the application and listens on a free port. */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const app = await makeGateway(options);
  await app.listen(0, '127.0.0.1');
  const server = app.getHttpServer();
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await app.close();
  };
  return { app, server, port: (server.address() as AddressInfo).port, close };
}

/** Returns every endpoint that the application declares. */
export async function endpointsOfGateway(): Promise<EndpointRegistry['endpoints']> {
  const app = await makeGateway();
  try {
    return app.get(EndpointRegistry).endpoints;
  } finally {
    await app.close();
  }
}
