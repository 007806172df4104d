import {
  Controller,
  Inject,
  Injectable,
  Logger,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  RpcException,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { delay, of } from 'rxjs';
import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import { BUS_TRANSPORT, BusContext, BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { TestNatsServer } from './bus-server';

const BUS = Symbol('Bus');
let server: TestNatsServer;
let running: (() => void)[] = [];
const closing: string[] = [];

@Injectable()
class Greeter implements OnApplicationShutdown {
  constructor(@Inject(BUS) readonly bus: Bus) {}
  greet(name: string): string {
    return `hello ${name}`;
  }
  onApplicationShutdown(): void {
    closing.push(this.bus.status().state);
  }
}

@Controller()
class Handlers {
  constructor(private readonly greeter: Greeter) {}

  @MessagePattern('bailiwick.admin.greet')
  greet(@Payload() body: { name: string }, @Ctx() context: BusContext) {
    return {
      text: this.greeter.greet(body.name),
      subject: context.getSubject(),
      trace: context.getHeaders()['traceparent'],
    };
  }

  @MessagePattern('bailiwick.query.*.*', BUS_TRANSPORT)
  query(@Ctx() context: BusContext) {
    return context.getSubject().split('.').slice(2);
  }

  @MessagePattern('bailiwick.admin.stream')
  stream() {
    return of(1, 2, 3).pipe(delay(0));
  }

  @MessagePattern('bailiwick.admin.nothing')
  nothing(): void {}

  @MessagePattern('bailiwick.admin.refuse')
  refuse(): never {
    throw new RpcException({ code: 'NOT_FOUND', detail: 'no such tenant' });
  }

  @MessagePattern('bailiwick.admin.break')
  async break(): Promise<never> {
    throw new Error('password=hunter2');
  }

  @MessagePattern('bailiwick.admin.slow', { maxPending: 1 })
  slow() {
    return new Promise((resolve) => running.push(() => resolve('done')));
  }
}

@Module({})
class Service {
  static with(bus: Bus): DynamicModule {
    return { module: Service, controllers: [Handlers], providers: [Greeter, { provide: BUS, useValue: bus }] };
  }
}

@Controller()
class EventHandlers {
  @EventPattern('bailiwick.event.default.0')
  opened(): void {}
}

@Module({ controllers: [EventHandlers] })
class Wrong {}

describe('a Nest microservice on the bus', () => {
  let caller: Bus;
  let service: Awaited<ReturnType<typeof start>>;

  async function start() {
    const bus = await connectBus({ url: server.url, name: 'service' });
    const nest = await NestFactory.createMicroservice<MicroserviceOptions>(Service.with(bus), {
      logger: ['fatal'],
      strategy: new BusServer({ bus, queue: 'service' }),
    });
    await nest.listen();
    await bus.ping(5_000);
    const stop = async (): Promise<void> => {
      await nest.close();
      await bus.drain();
    };
    return { bus, nest, stop };
  }

  beforeAll(async () => {
    server = await TestNatsServer.start();
    caller = await connectBus({ url: server.url, name: 'caller' });
    Logger.overrideLogger(false);
    service = await start();
  });
  afterAll(async () => {
    await service.stop();
    await caller.drain();
    await server.remove();
  });

  const ask = (subject: string, payload: unknown = {}) =>
    caller.request(subject, payload, 5_000, { headers: { traceparent: 't' } });

  it('returns the result of a handler: a value, a promise, the last value of an observable, or nothing', async () => {
    expect(await ask('bailiwick.admin.greet', { name: 'you' })).toEqual({
      ok: true,
      value: { text: 'hello you', subject: 'bailiwick.admin.greet', trace: 't' },
    });
    expect(await ask('bailiwick.query.default.7')).toEqual({ ok: true, value: ['default', '7'] });
    expect(await ask('bailiwick.admin.stream')).toEqual({ ok: true, value: 3 });
    expect(await ask('bailiwick.admin.nothing')).toEqual({ ok: true, value: undefined });
  });

  it('returns the code of an RpcException, and any other error without its text', async () => {
    expect(await ask('bailiwick.admin.refuse')).toMatchObject({
      ok: false,
      error: { code: 'HANDLER_FAILED', remote: { code: 'NOT_FOUND', detail: 'no such tenant' } },
    });
    const broken = await ask('bailiwick.admin.break');
    expect(broken).toMatchObject({ ok: false, error: { code: 'HANDLER_FAILED', remote: { code: 'INTERNAL' } } });
    expect(JSON.stringify(broken)).not.toContain('hunter2');
  });

  it("limits concurrent requests by the handler's extras", async () => {
    running = [];
    const first = ask('bailiwick.admin.slow');
    await until(() => running.length === 1);
    expect(await ask('bailiwick.admin.slow')).toMatchObject({ ok: false, error: { code: 'BUSY' } });
    running[0]?.();
    expect(await first).toEqual({ ok: true, value: 'done' });
  });

  it('shares requests among its instances', async () => {
    const second = await start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('bailiwick.admin.greet', { name: 'x' })));
    expect(answers.every((answer) => answer.ok)).toBe(true);
    await second.stop();
  });

  it('answers accepted requests before it closes, and leaves the connection open', async () => {
    const second = await start();
    running = [];
    closing.length = 0;
    await service.nest.close();
    expect(closing).toEqual(['connected']);
    const last = ask('bailiwick.admin.slow');
    await until(() => running.length === 1);
    const closed = second.nest.close();
    running[0]?.();
    expect(await last).toEqual({ ok: true, value: 'done' });
    await closed;
    expect(await ask('bailiwick.admin.slow')).toMatchObject({ ok: false, error: { code: 'NO_RESPONDERS' } });
    expect(second.bus.status().state).toBe('connected');
    await second.stop();
  });

  it('refuses an event handler', async () => {
    const wrong = await NestFactory.createMicroservice<MicroserviceOptions>(Wrong, {
      strategy: new BusServer({ bus: caller }),
    });
    await expect(wrong.listen()).rejects.toThrow('follow the log with followLog');
    await wrong.close();
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
