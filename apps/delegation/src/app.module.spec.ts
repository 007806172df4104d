import { Test } from '@nestjs/testing';
import { DEADLINE_HEADER } from '@bailiwick/contracts/commands/command';
import { tenantName } from '@bailiwick/contracts/primitives';
import type { Bus } from '@bailiwick/messaging/connect';
import { BusServer } from '@bailiwick/messaging/nest-transport/nest-strategy';
import type { Handler } from '@bailiwick/messaging/nest-transport/serve';
import { readConfig } from '@bailiwick/platform/config';
import { makeLogger } from '@bailiwick/platform/logging';
import { z } from 'zod';
import { AppModule } from './app.module';
import { ACCESS_KEYS, BUS, EVENT_LOG, PAYLOADS, PEOPLE, STAGED_IMPORTS } from './connections/tokens';
import { LogOwnership } from './ownership/log-ownership';

/** The service with doubles in place of its connections and of the ownership of logs. */
class Service {
  readonly calls: string[] = [];
  readonly handlers = new Map<string, Handler>();
  pings = true;
  private close: (() => Promise<void>) | undefined;

  private note =
    <T>(call: string, result?: T) =>
    (): Promise<T | undefined> => {
      this.calls.push(call);
      return Promise.resolve(result);
    };

  async start(): Promise<void> {
    const bus = {
      status: () => ({ state: 'connected' }),
      onEvent: () => () => undefined,
      serve: (subject: string, handler: Handler) => {
        this.handlers.set(subject, handler);
        return { pending: 0, stop: this.note(`stop ${subject}`) };
      },
      drain: this.note('drain the bus'),
    };
    const eventlog = {
      ping: () => Promise.resolve(this.pings),
      heads: () => Promise.resolve({ 'default/0': 7 }),
      listLogs: (tenant: string) => Promise.resolve([`${tenant}/0`]),
      close: this.note('close the event log'),
    };
    const ownership = {
      instances: 2,
      problems: [],
      heads: {},
      isLate: (deadline: number) => deadline < 1_000,
      createTenant: (tenant: string) =>
        tenant === 'broken' ? Promise.reject(new Error('password=hunter2')) : Promise.resolve([`${tenant}/0`]),
      onApplicationBootstrap: this.note('take logs'),
      beforeApplicationShutdown: this.note('finish the owned logs'),
    };
    const config = readConfig([], {});
    const module = await Test.createTestingModule({
      imports: [AppModule.forRoot(config, makeLogger('test', 'silent'))],
    })
      .overrideProvider(BUS)
      .useValue(bus)
      .overrideProvider(EVENT_LOG)
      .useValue(eventlog)
      .overrideProvider(PAYLOADS)
      .useValue({ close: this.note('close the payloads') })
      .overrideProvider(STAGED_IMPORTS)
      .useValue({ close: this.note('close the imports') })
      .overrideProvider(ACCESS_KEYS)
      .useValue({ close: this.note('close the keys'), unrecorded: () => Promise.resolve([]) })
      .overrideProvider(PEOPLE)
      .useValue({ close: this.note('close the names of people') })
      .overrideProvider(LogOwnership)
      .useValue(ownership)
      .compile();
    const app = module.createNestMicroservice({
      logger: false,
      strategy: new BusServer({ bus: bus as unknown as Bus }),
    });
    await app.listen();
    this.close = () => app.close();
  }

  async stop(): Promise<void> {
    await this.close?.();
    this.close = undefined;
  }

  /** The reply to a request, as the text that is sent. */
  async ask(subject: string, payload: unknown, headers: Record<string, string> = {}): Promise<string> {
    const handler = this.handlers.get(subject) as Handler;
    return JSON.stringify(await handler(payload, { subject, headers, part: () => undefined }));
  }
}

describe('AppModule', () => {
  let service: Service;
  beforeEach(async () => {
    service = new Service();
    await service.start();
  });
  afterEach(() => service.stop());

  const issue = (payload: unknown): string => {
    const { path, message } = z.strictObject({ tenant: tenantName }).safeParse(payload).error
      ?.issues[0] as z.core.$ZodIssue;
    return path.length === 0 ? message : `${path.join('.')}: ${message}`;
  };
  const badRequest = (detail: string): string =>
    JSON.stringify({ ok: false, refusal: { code: 'BAD_REQUEST', detail } });

  it('creates a tenant and lists its logs', async () => {
    expect(await service.ask('bailiwick.admin.create-tenant', { tenant: 'acme' })).toBe(
      '{"ok":true,"value":{"logs":["acme/0"]}}',
    );
    expect(await service.ask('bailiwick.admin.logs', { tenant: 'acme' })).toBe(
      '{"ok":true,"value":{"logs":["acme/0"]}}',
    );
  });

  it.each([undefined, null, {}, { tenant: 7 }, { tenant: 'A B' }, { tenant: 'acme', more: 1 }])(
    'refuses the payload %j with BAD_REQUEST',
    async (payload) => {
      expect(await service.ask('bailiwick.admin.create-tenant', payload)).toBe(badRequest(issue(payload)));
      expect(await service.ask('bailiwick.admin.logs', payload)).toBe(badRequest(issue(payload)));
    },
  );

  it('creates no tenant after the deadline of the request', async () => {
    const late = await service.ask(
      'bailiwick.admin.create-tenant',
      { tenant: 'acme' },
      { [DEADLINE_HEADER.toLowerCase()]: '999' },
    );
    expect(JSON.parse(late)).toMatchObject({ ok: false, refusal: { code: 'NOT_READY' } });
  });

  it('hides the text of an unexpected error', async () => {
    await expect(service.ask('bailiwick.admin.create-tenant', { tenant: 'broken' })).rejects.toMatchObject({
      code: 'INTERNAL',
      detail: expect.not.stringContaining('hunter2') as string,
    });
  });

  it('reports its health, or that the database does not answer', async () => {
    expect(await service.ask('bailiwick.health.delegation', {})).toBe(
      '{"ok":true,"value":{"service":"delegation","instances":2,"problems":[],"logs":{"default/0":7}}}',
    );
    service.pings = false;
    expect(await service.ask('bailiwick.health.delegation', {})).toContain('"code":"NOT_READY"');
  });

  it('finishes the owned logs before it closes the bus and then the database', async () => {
    await service.stop();
    const changes = ['forget-people', 'issue-keys', 'revoke-key', 'rotate-key', 'take-over-keys'];
    const keys = [...changes, 'keys', 'people-of-keys', 'tenant-keys'];
    const people = ['person-names', 'record-names'];
    const mcp = ['approve', 'definitions', 'pins', 'register', 'remove', 'server', 'servers'].map(
      (name) => `mcp-${name}`,
    );
    const webhooks = ['', '-callback', '-dead', '-remove', '-rotate', '-save', '-totals', 's'].map(
      (name) => `webhook${name}`,
    );
    const streams = ['-create', '-remove', '-save', 's'].map((name) => `ssf-stream${name}`);
    const sessions = ['add-session-link', 'end-person-sessions', 'end-session', 'session', 'start-session'];
    const served = ['create-tenant', 'logs', ...keys, ...people, ...mcp, ...webhooks, ...streams, ...sessions]
      .map((name) => `admin.${name}`)
      .concat('health.delegation');
    const stopped = served.map((name) => `stop bailiwick.${name}`).sort();
    const [first, ...others] = service.calls;
    expect([first, ...others.slice(0, stopped.length).sort(), ...others.slice(stopped.length)]).toEqual([
      'take logs',
      ...stopped,
      'finish the owned logs',
      'drain the bus',
      'close the event log',
      'close the payloads',
      'close the imports',
      'close the keys',
      'close the names of people',
    ]);
  });
});
