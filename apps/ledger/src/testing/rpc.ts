import 'reflect-metadata';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { lastValueFrom } from 'rxjs';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import type { Config } from '@bailiwick/platform/config';
import { AppModule } from '../app.module';
import { BUS, DATABASE, EVENT_LOG, EVENT_SOURCE, LOG_KEY, WITNESS_CONFIG, type Logger } from '../connections/tokens';
import { FollowerService } from '../follower/follower.service';
import type { LogLedger } from '../follower/log-ledger';
import { LogLedgers } from '../follower/log-ledgers';
import { LedgerStore } from '../read-models/store';
import { Replays } from '../replay/replays';
import { WebhookAttempts } from '../webhooks/webhook-attempts';
import { WebhookSender } from '../webhooks/webhook-sender';
import { HANDOVERS } from '../transparency/tokens';
import type { Bench } from './bench';
import { KEY } from './bench';

/** Calls the handlers in this process, through their pipes and filters. */
class InProcessServer extends Server implements CustomTransportStrategy {
  listen(done: () => void): void {
    done();
  }

  close(): void {}

  on(): void {}

  unwrap<T>(): T {
    return this as unknown as T;
  }

  async request(subject: string, payload: unknown): Promise<unknown> {
    const handler = this.messageHandlers.get(subject);
    if (!handler) throw new Error(`no handler serves ${subject}`);
    const context = { getSubject: () => subject };
    return lastValueFrom(this.transformToObservable(await handler(payload, context)));
  }
}

export type Ask = (name: string, payload: unknown) => Promise<Answer>;
export interface RpcOptions {
  readonly replays?: Pick<Replays, 'start' | 'ask' | 'cancel'>;
}

/** The ledger's application, without a bus, over one ledger and the stores of a bench. */
export async function rpc(bench: Bench, ledger: LogLedger, { replays }: RpcOptions = {}): Promise<Ask> {
  const { eventlog, store } = bench;
  const logger: Logger = {
    warn: () => undefined,
    error: ({ err }: { err: unknown }) => void bench.errors.push(err),
  };
  const ledgers = new LogLedgers(eventlog);
  ledgers.add(ledger);
  const module = await Test.createTestingModule({ imports: [AppModule.forRoot({} as Config, logger)] })
    .overrideProvider(BUS)
    .useValue({})
    .overrideProvider(EVENT_SOURCE)
    .useValue({})
    .overrideProvider(EVENT_LOG)
    .useValue(eventlog)
    .overrideProvider(DATABASE)
    .useValue({ ping: () => Promise.resolve(true) })
    .overrideProvider(LedgerStore)
    .useValue(store)
    .overrideProvider(LOG_KEY)
    .useValue(KEY)
    .overrideProvider(WITNESS_CONFIG)
    .useValue({ witnesses: [], logs: [] })
    .overrideProvider(HANDOVERS)
    .useValue(() => [])
    .overrideProvider(LogLedgers)
    .useValue(ledgers)
    .overrideProvider(FollowerService)
    .useValue({})
    .overrideProvider(WebhookAttempts)
    .useValue({})
    .overrideProvider(WebhookSender)
    .useValue({})
    .overrideProvider(Replays)
    .useValue(replays ?? {})
    .compile();
  const server = new InProcessServer();
  await module.createNestMicroservice({ strategy: server, logger: false }).init();
  return async (name, payload) => (await server.request(ledgerSubject(name), payload)) as Answer;
}
