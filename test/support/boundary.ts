import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { PolicyReaders } from '@bailiwick/edge/policy-readers';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { makeLogger } from '@bailiwick/platform/logging';
import { configureHttp } from '../../apps/boundary/src/boundary-application';
import type { GuardedCalls } from '../../apps/boundary/src/calls/guarded-calls';
import { LiveLeases } from '../../apps/boundary/src/calls/live-leases';
import { Seals } from '../../apps/boundary/src/calls/seals';
import { Agents } from '../../apps/boundary/src/http/agents';
import { makeAnswering } from '../../apps/boundary/src/http/answering';
import { McpController } from '../../apps/boundary/src/http/mcp.controller';
import { Methods } from '../../apps/boundary/src/http/methods';
import { Sessions } from '../../apps/boundary/src/sessions/sessions';
import { Secrets } from '../../apps/boundary/src/servers/secrets';
import { Servers } from '../../apps/boundary/src/servers/servers';
import type { PinStore } from '../../apps/boundary/src/tools/pin-store';
import { connectorFor } from '../../apps/boundary/src/upstream/connect';

const ID = '0'.repeat(25);
/** The lease of a run, as far as the boundary asks about it. */
export interface FakeLease {
  allow: string[];
  deny: string[];
  resources: { type: string; match: string }[];
  status: string;
}
type Decide = (command: Command & { type: 'authorize' }, lease: FakeLease) => Partial<{ decision: string }>;

/** The boundary in this process, with the real servers, and owners of logs that decide by verb alone. */
export class InProcessBoundary {
  readonly commands: Command[] = [];
  /** by the digit that ends the ids of a run and its lease */
  readonly leases = new Map<string, FakeLease>();
  readonly received: string;
  decide: Decide = () => ({});
  private actions = 0;
  private announce: (payload: unknown, subject: string) => void = () => undefined;
  private app: NestFastifyApplication | undefined;
  private readonly dir = mkdtempSync(join(tmpdir(), 'bailiwick-boundary-'));

  private constructor(private readonly catalog: readonly object[]) {
    this.received = join(this.dir, 'received');
    writeFileSync(this.received, '');
  }

  /** @param servers upstreams by name; a command also writes each message that it receives to `received` */
  static async start(
    servers: Record<string, { url: string; auth?: object } | { command: string; args: string[] }>,
    catalog: readonly object[],
  ): Promise<InProcessBoundary> {
    const boundary = new InProcessBoundary(catalog);
    const upstreams = Object.entries(servers).map(([name, upstream]) => [
      name,
      'url' in upstream ? withAuth(upstream) : { upstream: boundary.recorded(upstream) },
    ]);
    const file = join(boundary.dir, 'mcp.json');
    writeFileSync(file, JSON.stringify({ servers: Object.fromEntries(upstreams) as object }));
    await boundary.listen(file);
    return boundary;
  }

  url = '';
  /** @param url the origin that clients use, in place of that of this process */
  publishedAt: (url: string) => void = () => undefined;

  /** Opens a run. @returns its token */
  open(digit: string, lease: Partial<FakeLease> = {}): string {
    const all = [{ type: '*', match: '**' }];
    this.leases.set(digit, { allow: ['**'], deny: [], resources: all, status: 'active', ...lease });
    return `eyJ${digit}`;
  }

  revoke(digit: string): void {
    (this.leases.get(digit) as FakeLease).status = 'revoked';
    this.announce(undefined, 'bailiwick.event.default.0');
  }

  /** The messages that upstream commands have received. */
  messages(method: string): { params: Record<string, unknown> }[] {
    const lines = readFileSync(this.received, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line) as never).filter((each: { method?: string }) => each.method === method);
  }

  /** The outcomes of permits, by the last digits of their actions. */
  async outcomes(): Promise<string[]> {
    await this.answering?.guarded.settled();
    return this.commands.flatMap((each) =>
      each.type === 'settle' ? [`${each.actionId.slice(-4)} ${each.outcome.status}`] : [],
    );
  }

  async stop(): Promise<void> {
    this.live?.close();
    this.answering?.sessions.close();
    await this.app?.close();
    await this.servers?.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** all that the servers offer is approved */
  private readonly pins = new Map<string, Promise<object | undefined>>();
  private servers: Servers | undefined;
  private live: LiveLeases | undefined;
  private answering: { sessions: Sessions; guarded: GuardedCalls } | undefined;

  private recorded({ command, args }: { command: string; args: string[] }): { command: string; args: string[] } {
    const tee = `const { appendFileSync } = require('fs'); const { spawn } = require('child_process');
      const child = spawn(process.argv[1], process.argv.slice(2), { stdio: ['pipe', 'inherit', 'ignore'] });
      process.stdin.on('data', (chunk) => { appendFileSync(${JSON.stringify(this.received)}, chunk); child.stdin.write(chunk); });
      process.stdin.on('end', () => child.stdin.end()); child.on('exit', () => process.exit());
      process.on('SIGTERM', () => child.kill());`;
    return { command: process.execPath, args: ['-e', tee, command, ...args] };
  }

  private async listen(file: string): Promise<void> {
    const logger = makeLogger('test', 'silent');
    const owners = {
      submit: (command: Command) => Promise.resolve(this.submit(command)),
      command: (command: Command) => Promise.resolve(void this.commands.push(command)),
      query: (query: Asked) => Promise.resolve(this.answer(query)),
    };
    const bus = {
      listen: (_subject: string, listener: typeof this.announce) => ((this.announce = listener), () => undefined),
    };
    const connector = connectorFor(
      { networks: ['127.0.0.1'], commands: false, user: undefined },
      new Secrets({ mcpSecrets: join(this.dir, 'mcp-secrets.json'), upstreamKey: join(this.dir, 'upstream.pem') }),
      logger,
    );
    const servers = new Servers(file, { find: () => Promise.resolve(undefined) }, connector, logger);
    const pinned = (name: string): Promise<object | undefined> => {
      const pin = pinOf(servers, name);
      this.pins.set(name, pin);
      return pin;
    };
    const pins = {
      find: (_tenant: string, name: string) => this.pins.get(name) ?? pinned(name),
    } as unknown as PinStore;
    const readers = new PolicyReaders(owners as never);
    const leases = new LiveLeases(owners as never, bus);
    const answering = makeAnswering({
      owners: owners as never,
      readers,
      leases,
      pins,
      logger,
      secret: 'secret',
      approvalPage: (id) => `https://console.test/${id}`,
    });
    const config = { boundary: { url: 'http://127.0.0.1' }, publicUrl: 'http://gateway.test' };
    const tokens = { identify: ({ authorization = '' }: { authorization?: string }) => this.identify(authorization) };
    const agents = new Agents(config as never, tokens as never, servers);
    const app = await NestFactory.create<NestFastifyApplication>(
      moduleOf([
        { provide: Agents, useValue: agents },
        { provide: Methods, useValue: answering.methods },
        { provide: Sessions, useValue: answering.sessions },
        { provide: Seals, useValue: answering.seals },
        { provide: LiveLeases, useValue: leases },
      ]),
      new FastifyAdapter({ bodyLimit: LIMITS.httpBodyBytes, skipMiddie: true, forceCloseConnections: true }),
      { logger: false, bodyParser: false },
    );
    configureHttp(app);
    await app.listen(0, '127.0.0.1');
    this.url = (await app.getUrl()) + '/mcp';
    config.boundary.url = await app.getUrl();
    this.publishedAt = (url) => (config.boundary.url = url);
    Object.assign(this, { app, servers, live: leases, answering });
  }

  private identify(authorization: string): Promise<TokenClaims> {
    const digit = authorization.slice(-1);
    if (!this.leases.has(digit)) throw new Refused('UNAUTHENTICATED', 'no such run');
    const [runId, grantId] = [`run_0_${ID}${digit}`, `grt_0_${ID}${digit}`];
    return Promise.resolve({ tenant: 'default', runId, grantId, jkt: undefined, expiresAt: Infinity } as TokenClaims);
  }

  private submit(command: Command): Answer {
    this.commands.push(command);
    if (command.type !== 'authorize') throw new Error(command.type);
    const lease = this.leases.get(command.grantId.slice(-1)) as FakeLease;
    const { verb } = command.action;
    const isPermitted = lease.status === 'active' && !lease.deny.includes(verb) && command.derived?.fault === undefined;
    const actionId = `act_0_${String(++this.actions).padStart(26, '0')}`;
    const decision = isPermitted ? 'permit' : 'deny';
    const stated = this.decide(command, lease);
    return {
      ok: true,
      value: { decision, actionId, reasons: [], obligations: ['report-outcome'], policy: 1, ...stated },
    };
  }

  private answer({ op, id, runId = '', grantIds = [] }: Asked): unknown {
    if (op === 'policy') return { version: 1, bundle: { catalog: this.catalog } };
    if (op === 'live') {
      const ended = grantIds.filter((each) => this.leases.get(each.slice(-1))?.status !== 'active');
      return { position: 0, ended: ended.map((grantId) => ({ grantId })) };
    }
    const { allow, deny, resources, status } = this.leases.get((id ?? runId).slice(-1)) as FakeLease;
    const limits = { actions: { allow, deny }, resources };
    return { grant: { id: `grt_0_${ID}${runId.slice(-1)}`, status, limits } };
  }
}

const withAuth = ({ url, auth }: { url: string; auth?: object }): object => ({
  upstream: { url },
  ...(auth === undefined ? {} : { auth }),
});

interface Asked {
  readonly op: string;
  readonly id?: string;
  readonly runId?: string;
  readonly grantIds?: readonly string[];
}

async function pinOf(servers: Servers, name: string): Promise<object | undefined> {
  const upstream = await servers.find('default', name);
  if (!upstream) return undefined;
  const tools = await upstream.offered();
  return { identity: upstream.identity, tools: Object.fromEntries(tools.map((each) => [each.name, each.digest])) };
}

function moduleOf(providers: object[]): DynamicModule {
  return { module: Root, controllers: [McpController], providers: providers as never };
}

@Module({})
class Root {}
