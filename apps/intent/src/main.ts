import 'reflect-metadata';
import { Controller, Inject, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload, type MicroserviceOptions } from '@nestjs/microservices';
import { connectBus } from '@bailiwick/messaging/connect';
import { subjectSource } from '@bailiwick/messaging/event-source';
import { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { healthSubject, intentSubject } from '@bailiwick/messaging/subjects';
import { scoreRequest } from '@bailiwick/contracts/intent';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { withoutWords } from '@bailiwick/drift/score';
import { readConfig } from '@bailiwick/platform/config';
import { healthAnswer } from '@bailiwick/platform/health';
import { announceReady, onShutdown } from '@bailiwick/platform/lifecycle';
import { makeLogger, NestLogger } from '@bailiwick/platform/logging';
import { followDecisions } from '@bailiwick/platform/priority';
import { LogMonitor } from './log-monitor';
import { IntentStore } from './store';
import { callOfRequest } from './translate';

const config = readConfig(['database', 'nats']);
const logger = makeLogger('intent', config.logLevel);
const MONITORS = Symbol('Monitors');
const NEW_LOGS_MS = 500;
/** of the time that the asking owner waits, what may pass until this log is caught up */
const CATCH_UP_MS = 350;

@Controller()
class IntentController {
  constructor(
    @Inject(MONITORS) private readonly monitors: ReadonlyMap<string, LogMonitor>,
    @Inject(PostgresEventLog) private readonly eventlog: PostgresEventLog,
  ) {}

  /** No answer that is not sure: an owner that gets none asks a person (I11). */
  @MessagePattern(intentSubject('score'))
  async score(@Payload() raw: unknown): Promise<unknown> {
    const parsed = scoreRequest.safeParse(raw);
    if (!parsed.success) return unavailable('BAD_REQUEST', parsed.error.issues[0]?.message ?? 'malformed');
    const { log, grantId, after, ...asked } = parsed.data;
    const call = callOfRequest(asked);
    if (!call) return unavailable('PATTERN_INVALID', 'the verb or the resource cannot be read');
    const score = await this.monitors.get(log)?.score(grantId, call, after, CATCH_UP_MS);
    return score
      ? { ok: true, value: { ...score, features: withoutWords(score.features) } }
      : unavailable('NOT_READY', 'nothing can be said of this run now');
  }

  @MessagePattern(healthSubject('intent'))
  health(): Promise<unknown> {
    return healthAnswer(this.eventlog, () => {
      const all = [...this.monitors];
      const logs = Object.fromEntries(all.map(([log, each]) => [log, each.position]));
      return { service: 'intent', logs, untold: all.reduce((sum, [, each]) => sum + each.untold, 0) };
    });
  }
}

const unavailable = (code: string, detail: string): unknown => ({ ok: false, refusal: { code, detail } });

@Module({})
class IntentModule {
  static with(monitors: ReadonlyMap<string, LogMonitor>, eventlog: PostgresEventLog): DynamicModule {
    return {
      module: IntentModule,
      controllers: [IntentController],
      providers: [
        { provide: MONITORS, useValue: monitors },
        { provide: PostgresEventLog, useValue: eventlog },
      ],
    };
  }
}

async function main(): Promise<void> {
  followDecisions();
  const bus = await connectBus({ ...config.nats, name: 'intent', inboxPrefix: '_INBOX.intent' });
  const eventlog = new PostgresEventLog(config.databaseUrl, {
    max: 4,
    onError: (error) => logger.warn({ err: error }, 'a database connection was lost'),
  });
  const store = await IntentStore.open(config.databaseUrl);
  const monitors = new Map<string, LogMonitor>();
  const source = subjectSource(bus);
  const follow = async (): Promise<void> => {
    for (const log of await eventlog.listLogs()) {
      if (monitors.has(log)) continue;
      const monitor = new LogMonitor({
        log,
        bus,
        eventlog,
        source,
        store,
        warn: (message, cause) => logger.warn({ err: cause, log }, message),
      });
      monitors.set(log, monitor);
      monitor.start();
    }
  };
  await follow();
  const timer = setInterval(
    () => void follow().catch((error: unknown) => logger.warn({ err: error }, 'the list of logs could not be read')),
    NEW_LOGS_MS,
  );
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(IntentModule.with(monitors, eventlog), {
    logger: new NestLogger(logger),
    strategy: new BusServer({ bus, queue: 'intent' }),
  });
  onShutdown(async () => {
    clearInterval(timer);
    await app.close();
    await Promise.all([...monitors.values()].map((monitor) => monitor.stop()));
    await bus.drain();
    await store.close();
    await eventlog.close();
  });
  await app.listen();
  announceReady();
}

main().catch((error: unknown) => {
  logger.fatal({ err: error }, 'the intent monitor did not start');
  process.exit(1);
});
