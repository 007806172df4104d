import 'reflect-metadata';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { lastValueFrom } from 'rxjs';
import { healthSubject, intentSubject } from '@bailiwick/messaging/subjects';
import type { Config } from '@bailiwick/platform/config';
import { AppModule } from './app.module';
import { BUS, DATABASE, EVENT_LOG, EVENT_SOURCE } from './connections/tokens';
import { IntentStore } from './monitor/intent-store';
import { LogMonitorFactory } from './monitor/log-monitor.factory';

const LOG = 'default/0';
const REQUEST = {
  log: LOG,
  grantId: `grt_0_${'0'.repeat(26)}`,
  after: 7,
  call: {
    verb: 'web.get',
    effect: 'read',
    resource: { type: 'web', id: 'reports.example/q3' },
    labels: [],
  },
};
const order: string[] = [];
const note = (step: string) => (): Promise<void> => Promise.resolve(void order.push(step));
const score = jest.fn();

/** Calls the handlers in this process, through their pipes and filters. */
class InProcessServer extends Server implements CustomTransportStrategy {
  listen(done: () => void): void {
    order.push('listen');
    done();
  }

  close(): void {
    order.push('close');
  }

  on(): void {}

  unwrap<T>(): T {
    return this as unknown as T;
  }

  async request(subject: string, payload: unknown): Promise<unknown> {
    const handler = this.messageHandlers.get(subject);
    if (!handler) throw new Error(`no handler serves ${subject}`);
    return lastValueFrom(this.transformToObservable(await handler(payload, { getSubject: () => subject })));
  }
}

async function start() {
  const monitor = {
    start: () => void order.push('monitor starts'),
    stop: note('monitor stops'),
    score,
    position: 12,
    pendingReports: 3,
  };
  const module = await Test.createTestingModule({
    imports: [AppModule.forRoot({} as Config, { warn: jest.fn(), error: jest.fn() })],
  })
    .overrideProvider(BUS)
    .useValue({ drain: note('bus drains') })
    .overrideProvider(EVENT_SOURCE)
    .useValue({})
    .overrideProvider(EVENT_LOG)
    .useValue({ listLogs: () => Promise.resolve([LOG]), close: note('event log closes') })
    .overrideProvider(DATABASE)
    .useValue({ ping: () => Promise.resolve(true) })
    .overrideProvider(IntentStore)
    .useValue({ close: note('store closes') })
    .overrideProvider(LogMonitorFactory)
    .useValue({ create: () => monitor })
    .compile();
  const server = new InProcessServer();
  const app = module.createNestMicroservice({ strategy: server, logger: false });
  await app.listen();
  return { app, server };
}

describe('AppModule', () => {
  let app: Awaited<ReturnType<typeof start>>['app'];
  let server: InProcessServer;
  beforeEach(async () => {
    order.length = 0;
    score.mockReset();
    ({ app, server } = await start());
  });
  afterEach(() => app.close());
  const ask = (payload: unknown): Promise<unknown> => server.request(intentSubject('score'), payload);

  it('follows the logs before it accepts requests', () => {
    expect(order).toEqual(['monitor starts', 'listen']);
  });

  it('stops serving, then the monitors, then the bus, and closes the databases last', async () => {
    order.length = 0;
    await app.close();
    expect(order.slice(0, 5)).toEqual(['close', 'monitor stops', 'bus drains', 'store closes', 'event log closes']);
  });

  it('responds with the score of a call, without quotes', async () => {
    const feature = { name: 'unasked-effect', contribution: 0.5, says: 'x' };
    score.mockResolvedValue({ score: 0.5, features: [{ ...feature, quotes: ['a word of the person'] }] });
    expect(await ask(REQUEST)).toEqual({ ok: true, value: { score: 0.5, features: [feature] } });
    expect(score).toHaveBeenCalledWith(REQUEST.grantId, expect.objectContaining({ verb: 'web.get' }), 7, 350);
  });

  it.each([
    ['a malformed request', 'BAD_REQUEST', { ...REQUEST, after: 'x' }],
    ['a call that is not interpreted', 'BAD_REQUEST', { ...REQUEST, call: { verb: 'web.get' } }],
    ['a run without a score', 'NOT_READY', REQUEST],
    ['a log that is not followed', 'NOT_READY', { ...REQUEST, log: 'other/0' }],
  ])('refuses %s with %s', async (_case, code, payload) => {
    expect(await ask(payload)).toEqual({ ok: false, refusal: { code, detail: expect.any(String) } });
  });

  it('hides the text of an unexpected error', async () => {
    score.mockRejectedValue(new Error('secret'));
    await expect(ask(REQUEST)).rejects.toEqual({ status: 'error', message: 'Internal server error' });
  });

  it('reports the position of each log and the number of pending reports as its health', async () => {
    expect(await server.request(healthSubject('intent'), {})).toEqual({
      ok: true,
      value: { service: 'intent', logs: { [LOG]: 12 }, untold: 3 },
    });
  });
});
