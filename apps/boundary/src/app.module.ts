import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import { systemClock } from '@bailiwick/core/clock';
import { OwnerClient } from '@bailiwick/edge/owners/owner-client';
import { PolicyReaders } from '@bailiwick/edge/policy-readers';
import type { Bus } from '@bailiwick/messaging/connect';
import { callCommandSubject, callQuerySubject } from '@bailiwick/messaging/subjects';
import type { Config } from '@bailiwick/platform/config';
import type { Logger } from '@bailiwick/platform/logging';
import { RunTokens } from './auth/run-tokens';
import { LiveLeases } from './calls/live-leases';
import { GuardedCalls } from './calls/guarded-calls';
import { Seals } from './calls/seals';
import { BUS, CONFIG, LOGGER } from './config';
import { ConnectionsModule } from './connections.module';
import { PointReporter } from './enforcement/point-reporter';
import { Agents } from './http/agents';
import { makeAnswering, type Answering } from './http/answering';
import { McpController } from './http/mcp.controller';
import { Methods } from './http/methods';
import { Registry } from './servers/registry';
import { Secrets } from './servers/secrets';
import { Servers } from './servers/servers';
import { Offers } from './offers/offers';
import { PLAIN_HTTP } from './plain/providers';
import { Sessions } from './sessions/sessions';
import { Shutdown } from './shutdown';
import { PinStore } from './tools/pin-store';
import { connectorFor } from './upstream/connect';

const ANSWERING = Symbol('Answering');

/** The enforcement point in front of MCP servers. */
@Module({
  imports: [ConnectionsModule],
  controllers: [McpController],
  providers: [
    {
      provide: OwnerClient,
      inject: [BUS],
      useFactory: (bus: Bus) => new OwnerClient(bus, { commands: callCommandSubject, queries: callQuerySubject }),
    },
    { provide: PolicyReaders, inject: [OwnerClient], useFactory: (owners: OwnerClient) => new PolicyReaders(owners) },
    {
      provide: RunTokens,
      inject: [CONFIG, OwnerClient],
      useFactory: ({ publicUrl, boundary, nats, dpopNonce }: Config, owners: OwnerClient) =>
        new RunTokens(
          {
            issuer: publicUrl,
            resource: boundary.url,
            keysUrl: boundary.keysUrl,
            nonceSecret: nats.pass,
            alwaysNonce: dpopNonce === 'always',
            now: () => systemClock.now(),
          },
          owners,
        ),
    },
    {
      provide: Servers,
      inject: [CONFIG, BUS, LOGGER],
      useFactory: ({ files, upstreams }: Config, bus: Bus, logger: Logger) =>
        new Servers(files.mcp, new Registry(bus), connectorFor(upstreams, new Secrets(files), logger), logger),
    },
    { provide: PinStore, inject: [BUS], useFactory: (bus: Bus) => new PinStore(bus) },
    {
      provide: LiveLeases,
      inject: [OwnerClient, BUS],
      useFactory: (owners: OwnerClient, bus: Bus) => new LiveLeases(owners, bus),
    },
    {
      provide: ANSWERING,
      inject: [CONFIG, OwnerClient, PolicyReaders, LiveLeases, PinStore, LOGGER],
      useFactory: (
        { nats, publicUrl }: Config,
        owners: OwnerClient,
        readers: PolicyReaders,
        leases: LiveLeases,
        pins: PinStore,
        logger: Logger,
      ): Answering =>
        makeAnswering({
          owners,
          readers,
          leases,
          pins,
          logger,
          secret: nats.pass ?? randomBytes(32),
          approvalPage: (approvalId) => `${publicUrl}/console/approvals?id=${approvalId}`,
        }),
    },
    {
      provide: PointReporter,
      inject: [LiveLeases, BUS],
      useFactory: (leases: LiveLeases, bus: Bus) => new PointReporter(leases, bus),
    },
    { provide: GuardedCalls, inject: [ANSWERING], useFactory: ({ guarded }: Answering) => guarded },
    { provide: Sessions, inject: [ANSWERING], useFactory: ({ sessions }: Answering) => sessions },
    { provide: Seals, inject: [ANSWERING], useFactory: ({ seals }: Answering) => seals },
    { provide: Methods, inject: [ANSWERING], useFactory: ({ methods }: Answering) => methods },
    {
      provide: Agents,
      inject: [CONFIG, RunTokens, Servers],
      useFactory: (config: Config, tokens: RunTokens, servers: Servers) => new Agents(config, tokens, servers),
    },
    ...PLAIN_HTTP,
    Offers,
    Shutdown,
  ],
})
export class AppModule {}
