import 'reflect-metadata';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import type { Config } from '@bailiwick/platform/config';
import { AppModule } from './app.module';
import { BUS, EVENT_LOG, EVENT_SOURCE, LOG_KEY, WEBHOOK_DELIVERIES, WITNESS_CONFIG } from './connections/tokens';
import { LogLedgerFactory } from './follower/log-ledger.factory';
import { Rebuilds } from './read-models/rebuild/rebuilds';
import { LedgerStore } from './read-models/store';
import { Replays } from './replay/replays';
import { CosigningService } from './transparency/cosigning.service';
import { KEY } from './testing/bench';

const order: string[] = [];
const note = (what: string) => (): Promise<void> => Promise.resolve(void order.push(what));

class Transport extends Server implements CustomTransportStrategy {
  listen(done: () => void): void {
    order.push('listen');
    done();
  }

  close(): void {}

  on(): void {}

  unwrap<T>(): T {
    return this as unknown as T;
  }
}

async function start() {
  const ledger = { state: { log: 'default/0' }, start: note('ledger starts'), stop: note('ledger stops') };
  const module = await Test.createTestingModule({
    imports: [
      AppModule.forRoot({ files: {}, webhookNetworks: [] as string[] } as unknown as Config, {
        warn: () => undefined,
        error: () => undefined,
      }),
    ],
  })
    .overrideProvider(BUS)
    .useValue({ drain: note('bus drains') })
    .overrideProvider(EVENT_SOURCE)
    .useValue({})
    .overrideProvider(EVENT_LOG)
    .useValue({ listLogs: () => Promise.resolve(['default/0']), close: note('event log closes') })
    .overrideProvider(LedgerStore)
    .useValue({ close: note('store closes') })
    .overrideProvider(LOG_KEY)
    .useValue(KEY)
    .overrideProvider(WITNESS_CONFIG)
    .useValue({ witnesses: [], logs: [] })
    .overrideProvider(WEBHOOK_DELIVERIES)
    .useValue({ close: () => Promise.resolve() })
    .overrideProvider(LogLedgerFactory)
    .useValue({ create: () => ledger })
    .overrideProvider(CosigningService)
    .useValue({ onModuleInit: note('cosigning starts'), onApplicationShutdown: note('cosigning stops') })
    .overrideProvider(Replays)
    .useValue({ onApplicationShutdown: note('replays stop') })
    .overrideProvider(Rebuilds)
    .useValue({ onApplicationShutdown: note('rebuilds stop') })
    .compile();
  const transport = new Transport();
  const app = module.createNestMicroservice({ strategy: transport, logger: false });
  await app.listen();
  return { app, transport };
}

describe('AppModule', () => {
  beforeEach(() => void order.splice(0));

  it('serves every subject of the ledger', async () => {
    const { app, transport } = await start();
    await app.close();
    const served = [...transport.getHandlers().keys()].map((pattern) => pattern.replace('bailiwick.', '')).sort();
    expect(served).toEqual([
      'health.ledger',
      'ledger.actions',
      'ledger.add-checkpoint',
      'ledger.approvals',
      'ledger.checkpoint',
      'ledger.consistency',
      'ledger.custody',
      'ledger.drift',
      'ledger.ended',
      'ledger.events',
      'ledger.export-heads',
      'ledger.export-lines',
      'ledger.grants',
      'ledger.graph',
      'ledger.in-force',
      'ledger.proof',
      'ledger.rebuild',
      'ledger.rebuild-status',
      'ledger.receipt',
      'ledger.regrants',
      'ledger.replay-ask',
      'ledger.replay-cancel',
      'ledger.replay-start',
      'ledger.responders-start',
      'ledger.revocation',
      'ledger.runs',
      'ledger.shadow-start',
      'ledger.signals-start',
      'ledger.tile',
      'ledger.tree-at',
      'ledger.verify',
      'ledger.vkey',
      'ledger.vkeys',
      'ledger.webhook-redeliver',
      'ledger.webhook-test',
      'ledger.witness-vkey',
    ]);
  });

  it('starts to follow the logs before it accepts requests', async () => {
    const { app } = await start();
    expect(order).toEqual(['ledger starts', 'cosigning starts', 'listen']);
    await app.close();
  });

  it('stops the features, then the ledgers, then drains the bus, and closes the databases last', async () => {
    const { app } = await start();
    order.length = 0;
    await app.close();
    const features = ['cosigning stops', 'rebuilds stop', 'replays stop'];
    expect(order.slice(0, 3).sort()).toEqual(features);
    expect(order.slice(3)).toEqual(['ledger stops', 'bus drains', 'store closes', 'event log closes']);
  });
});
