import 'reflect-metadata';
import { Controller, Inject, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, MessagePattern, Payload, type MicroserviceOptions } from '@nestjs/microservices';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { BusServer, type BusContext } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { adminSubject, healthSubject } from '@bailiwick/messaging/subjects';
import { DEADLINE_HEADER } from '@bailiwick/contracts/command';
import { tenantName } from '@bailiwick/contracts/primitives';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { PostgresImports } from '@bailiwick/event-store/postgres/imports';
import { PostgresPayloads } from '@bailiwick/event-store/postgres/payloads';
import { readConfig } from '@bailiwick/platform/config';
import { healthAnswer } from '@bailiwick/platform/health';
import { readImportKeys } from '@bailiwick/platform/import-keys';
import { announceReady, onShutdown } from '@bailiwick/platform/lifecycle';
import { makeLogger, NestLogger } from '@bailiwick/platform/logging';
import { z } from 'zod';
import { TOO_LATE } from './log-owner/deadline';
import { Imports } from './imports/importing';
import { BUS, EVENT_LOG, IMPORTS, LOGGER, Logs, PAYLOADS } from './ownership/log-ownership';
import { Snapshots } from './snapshots/snapshots';

const config = readConfig(['database', 'nats']);
const logger = makeLogger('delegation', config.logLevel);

@Controller()
class AdminController {
  constructor(
    @Inject(Logs) private readonly logs: Logs,
    @Inject(EVENT_LOG) private readonly eventlog: PostgresEventLog,
  ) {}

  @MessagePattern(adminSubject('create-tenant'))
  async createTenant(@Payload() raw: unknown, @Ctx() asked: BusContext): Promise<unknown> {
    const parsed = z.strictObject({ tenant: tenantName }).safeParse(raw);
    if (!parsed.success)
      return { ok: false, refusal: { code: 'BAD_REQUEST', detail: parsed.error.issues[0]?.message ?? 'malformed' } };
    if (this.logs.isLate(Number(asked.getHeaders()[DEADLINE_HEADER.toLowerCase()] ?? Infinity))) return TOO_LATE;
    return { ok: true, value: { logs: await this.logs.createTenant(parsed.data.tenant) } };
  }

  @MessagePattern(adminSubject('logs'))
  async listLogs(@Payload() raw: unknown): Promise<unknown> {
    const parsed = z.strictObject({ tenant: tenantName }).safeParse(raw);
    if (!parsed.success) return { ok: false, refusal: { code: 'BAD_REQUEST', detail: 'want { tenant }' } };
    return { ok: true, value: { logs: await this.eventlog.listLogs(parsed.data.tenant) } };
  }

  @MessagePattern(healthSubject('delegation'))
  health(): Promise<unknown> {
    return healthAnswer(this.eventlog, async () => ({
      service: 'delegation',
      instances: this.logs.instances,
      problems: this.logs.problems,
      logs: await this.eventlog.heads(),
    }));
  }
}

@Module({})
class DelegationModule {
  static with(bus: Bus, eventlog: PostgresEventLog, payloads: PostgresPayloads, imports: Imports): DynamicModule {
    return {
      module: DelegationModule,
      controllers: [AdminController],
      providers: [
        Logs,
        { provide: LOGGER, useValue: logger },
        { provide: BUS, useValue: bus },
        { provide: EVENT_LOG, useValue: eventlog },
        { provide: PAYLOADS, useValue: payloads },
        { provide: IMPORTS, useValue: imports },
      ],
    };
  }
}

async function main(): Promise<void> {
  const bus = await connectBus({ ...config.nats, name: 'delegation', inboxPrefix: '_INBOX.delegation' });
  const eventlog = new PostgresEventLog(config.databaseUrl, {
    onError: (error) => logger.warn({ err: error }, 'a database connection was lost'),
  });
  const payloads = new PostgresPayloads(config.databaseUrl);
  const staged = new PostgresImports(config.databaseUrl);
  const imports = new Imports(
    staged,
    eventlog,
    config.databaseUrl,
    () => readImportKeys(config.files.importKeys),
    (message, cause) => logger.warn({ err: cause }, message),
  );
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    DelegationModule.with(bus, eventlog, payloads, imports),
    {
      logger: new NestLogger(logger),
      // no queue: every instance hears what is asked, and the first answer counts, so that a stopped one is not waited for
      strategy: new BusServer({ bus }),
    },
  );
  const snapshots = new Snapshots(
    () => app.get(Logs).heads,
    config.databaseUrl,
    (message, cause) => logger.warn({ err: cause }, message),
  );
  onShutdown(async () => {
    await snapshots.stop();
    await imports.stop();
    await app.close(); // the owners finish what they took while the bus and the database are still there
    await bus.drain();
    await eventlog.close();
    await payloads.close();
    await staged.close();
  });
  await app.listen();
  announceReady();
}

main().catch((error: unknown) => {
  logger.fatal({ err: error }, 'the delegation service did not start');
  process.exit(1);
});
