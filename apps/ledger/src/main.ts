import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { MicroserviceOptions } from '@nestjs/microservices';
import { connectBus } from '@bailiwick/messaging/connect';
import { subjectSource } from '@bailiwick/messaging/event-source';
import { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { healthSubject, ledgerSubject } from '@bailiwick/messaging/subjects';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { readConfig } from '@bailiwick/platform/config';
import { healthAnswer } from '@bailiwick/platform/health';
import { announceReady, onShutdown } from '@bailiwick/platform/lifecycle';
import { makeLogger, NestLogger } from '@bailiwick/platform/logging';
import { followDecisions } from '@bailiwick/platform/priority';
import { privateKeyIn, readPrivateKey } from '@bailiwick/platform/private-key';
import { readHandovers } from '@bailiwick/platform/handovers';
import { readWitnessConfig } from '@bailiwick/platform/witness-config';
import { Cosigning } from './transparency/cosigning';
import { Witness } from './transparency/witness';
import { LogLedger } from './follower/log-ledger';
import { OPS } from './operations/operations';
import { Replays } from './replay/replays';
import { Rebuilds } from './read-models/rebuild/rebuilds';
import { LedgerStore } from './read-models/store';

const config = readConfig(['database', 'nats']);
const logger = makeLogger('ledger', config.logLevel);
const NEW_LOGS_MS = 500;

@Module({})
class LedgerModule {}

async function main(): Promise<void> {
  followDecisions();
  const bus = await connectBus({ ...config.nats, name: 'ledger', inboxPrefix: '_INBOX.ledger' });
  const eventlog = new PostgresEventLog(config.databaseUrl, {
    max: 4,
    onError: (error) => logger.warn({ err: error }, 'a database connection was lost'),
  });
  const store = await LedgerStore.open(config.databaseUrl);
  const key =
    config.logKey === undefined
      ? readPrivateKey(config.files.logKey)
      : privateKeyIn(config.logKey, 'BAILIWICK_LOG_KEY');
  const { witnesses, logs } = readWitnessConfig(config.files.witnesses);
  const witness =
    logs.length === 0
      ? undefined
      : new Witness({
          name: config.witnessName,
          key: readPrivateKey(config.files.witnessKey),
          logs,
          heads: store.heads,
          now: () => Date.now(),
        });
  const cosigning: Cosigning[] = [];
  const ledgers = new Map<string, LogLedger>();
  const source = subjectSource(bus);
  const follow = async (): Promise<void> => {
    for (const log of await eventlog.listLogs()) {
      if (ledgers.has(log)) continue;
      const ledger = new LogLedger({
        log,
        origin: config.origin,
        key,
        eventlog,
        store,
        source,
        witnesses: witnesses.length,
        warn: (message, cause) => logger.warn({ err: cause, log }, message),
      });
      ledgers.set(log, ledger);
      ledger.start();
      for (const each of witnesses) {
        const told = (message: string, cause?: unknown): void => logger.warn({ err: cause, log }, message);
        const loop = new Cosigning({ log, witness: each, store, warn: told });
        cosigning.push(loop);
        loop.start();
      }
    }
  };
  await follow();
  const timer = setInterval(
    () => void follow().catch((error: unknown) => logger.warn({ err: error }, 'the list of logs could not be read')),
    NEW_LOGS_MS,
  );

  const app = await NestFactory.createMicroservice<MicroserviceOptions>(LedgerModule, {
    logger: new NestLogger(logger),
    strategy: new BusServer({ bus, queue: 'ledger' }),
  });
  await app.listen();
  const replays = new Replays(config.databaseUrl, (message, cause) => logger.warn({ err: cause }, message));
  const rebuilds = new Rebuilds(config.databaseUrl, (message, cause) => logger.warn({ err: cause }, message));
  const handovers = (): string[] => readHandovers(config.files.handovers);
  const backends = { ledgers, eventlog, store, replays, rebuilds, key, witness, handovers };
  const onError = (error: unknown, subject: string): void =>
    logger.error({ err: error, subject }, 'a question could not be answered');
  for (const [name, run] of Object.entries(OPS))
    bus.serve(ledgerSubject(name), (raw) => run(backends, raw), { queue: 'ledger', onError });
  const state = (): object => ({
    service: 'ledger',
    logs: Object.fromEntries([...ledgers].map(([log, each]) => [log, each.position])),
    problems: [...ledgers.values()].flatMap((each) => each.problems),
  });
  bus.serve(healthSubject('ledger'), () => healthAnswer(eventlog, state));
  onShutdown(async () => {
    clearInterval(timer);
    await replays.stop();
    await rebuilds.stop();
    await Promise.all([...ledgers.values(), ...cosigning].map((each) => each.stop()));
    await app.close();
    await bus.drain();
    await store.close();
    await eventlog.close();
  });
  announceReady();
}

main().catch((error: unknown) => {
  logger.fatal({ err: error }, 'the ledger did not start');
  process.exit(1);
});
