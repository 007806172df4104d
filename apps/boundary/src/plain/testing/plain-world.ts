import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foreignInName } from '@bailiwick/authority/matching/foreign-syntax';
import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { normalizeVerb } from '@bailiwick/authority/matching/verbs/verb';
import type { OutcomeRequest } from '@bailiwick/contracts/actions/action';
import type { Answer, Command, CommandOf } from '@bailiwick/contracts/commands/command';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { PolicyReaders } from '@bailiwick/edge/policy-readers';
import { Refused } from '@bailiwick/edge/refused';
import { makeLogger } from '@bailiwick/platform/logging';
import type { Presented } from '../../auth/run-tokens';
import { Decisions } from '../../calls/decisions';
import { GuardedCalls } from '../../calls/guarded-calls';
import { LiveLeases } from '../../calls/live-leases';
import { liveness } from '../../calls/testing/liveness';
import { Front } from '../front';
import { endpointsOf } from '../providers';
import { Registrations } from '../registrations';

const ID = '0'.repeat(26);
export const ACTION = `act_0_${ID}`;
export const GRANT = `grt_0_${ID}`;
export const PERMIT = { decision: 'permit', actionId: ACTION, reasons: [], obligations: ['report-outcome'], policy: 1 };
export type Authorize = CommandOf<'authorize'>;
type Handle = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A request as the upstream got it. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
}

/** The front of the boundary with a real upstream, and an owner of logs that decides as stated. */
export class PlainWorld {
  readonly commands: Command[] = [];
  readonly received: Received[] = [];
  readonly requests: Presented[] = [];
  decide: (command: Authorize) => Answer | Promise<Answer> = () => ({ ok: true, value: PERMIT });
  grant: object = { status: 'active' };
  upstream: Handle = (_request, response) => response.setHeader('content-type', 'application/json').end('{"ok":true}');
  policy: object;
  port = 0;
  upstreamPort = 0;
  onOutcome = (): void => undefined;
  private announce: (payload: unknown, subject: string) => void = () => undefined;
  private readonly dir = mkdtempSync(join(tmpdir(), 'bailiwick-plain-'));
  private readonly logger = makeLogger('test', 'silent');
  private calls: GuardedCalls | undefined;
  private readonly front = new Front();
  private readonly server = this.front.serve((_request, response) => response.writeHead(404).end('framework'));
  private readonly upstreamServer = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (part: Buffer) => (body += part.toString()));
    incoming.on('end', () => {
      const { method = '', url = '', headers } = incoming;
      this.received.push({ method, url, headers, body });
      this.upstream(incoming, response, body);
    });
  });

  constructor(catalog: readonly CatalogEntry[]) {
    this.policy = { version: 1, bundle: { catalog } };
  }

  /** @param file the content of `http.json`, from the address of the upstream */
  async start(file: (upstream: string) => object): Promise<this> {
    this.upstreamPort = await listening(this.upstreamServer);
    this.port = await listening(this.server);
    const path = join(this.dir, 'http.json');
    writeFileSync(path, JSON.stringify(file(`http://127.0.0.1:${this.upstreamPort}`)));
    const owners = {
      submit: async (command: Command) => (this.commands.push(command), this.decide(named(command as Authorize))),
      command: async (command: Command) => {
        this.commands.push(command);
        if (command.type === 'settle') this.onOutcome();
      },
      query: async ({ op, grantIds = [] }: { op: string; grantIds?: string[] }) =>
        op === 'policy' ? this.policy : op === 'live' ? liveness(this.grant, grantIds) : this.grant,
    };
    const bus = {
      listen: (_subject: string, listener: typeof this.announce) => ((this.announce = listener), () => undefined),
    };
    const readers = new PolicyReaders(owners as never);
    this.calls = new GuardedCalls(
      new Decisions(owners as never, readers),
      new LiveLeases(owners as never, bus),
      this.logger,
    );
    const parts = {
      config: { publicUrl: 'http://gateway.test', host: '127.0.0.1', boundary: { url: this.url } } as never,
      tokens: { identify: (presented: Presented) => this.identify(presented) },
      registrations: new Registrations(path, this.logger),
      calls: this.calls,
    };
    this.front.use(endpointsOf(parts), this.logger);
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Ends the lease of all runs, as a commit announces it. */
  revoke(): void {
    this.grant = { status: 'revoked' };
    this.announce(undefined, 'bailiwick.event.default.0');
  }

  /** Denies the tool of the call in flight, as a commit announces it; its lease lives on. */
  denyTool(): void {
    this.grant = { status: 'active', denies: ACTION };
    this.announce(undefined, 'bailiwick.event.default.0');
  }

  forget(): void {
    this.commands.splice(0);
    this.received.splice(0);
    this.grant = { status: 'active' };
    this.decide = () => ({ ok: true, value: PERMIT });
    this.upstream = (_request, response) => response.setHeader('content-type', 'application/json').end('{"ok":true}');
  }

  get asked(): Authorize[] {
    return this.commands.filter((each): each is Authorize => each.type === 'authorize');
  }

  async outcomes(): Promise<OutcomeRequest[]> {
    await this.calls?.settled();
    return this.commands.flatMap((each) => (each.type === 'settle' ? [each.outcome as OutcomeRequest] : []));
  }

  /** Sends a request of an agent, with its token unless `headers` state another. */
  send(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const options = {
        port: this.port,
        method,
        path,
        headers: { authorization: 'Bearer of-run', ...headers },
        agent: false,
      };
      const sent = request({ host: '127.0.0.1', ...options }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: objectIn(text) });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Sends bytes, and returns all that is answered until the connection closes. */
  raw(text: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const socket = connect(this.port, '127.0.0.1', () => socket.write(text));
      socket.on('data', (part: Buffer) => (answer += part.toString()));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
    });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.upstreamServer.closeAllConnections();
    await Promise.all([this.server, this.upstreamServer].map((each) => new Promise((resolve) => each.close(resolve))));
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async identify(presented: Presented) {
    this.requests.push(presented);
    const { authorization } = presented;
    if (authorization !== 'Bearer of-run' && authorization !== 'Bearer of-other')
      throw new Refused('UNAUTHENTICATED', 'send the grant token of a run');
    const tenant = authorization === 'Bearer of-run' ? 'default' : 'other';
    return { tenant, runId: `run_0_${ID}`, grantId: GRANT, jkt: undefined, expiresAt: Infinity };
  }
}

/** An owner refuses names that have another meaning elsewhere. */
function named(command: Authorize): Authorize {
  const { action, resource } = command;
  const wrong = foreignInName(action.tool ?? '');
  if (wrong !== undefined || !normalizeVerb(action.verb).ok || !normalizeResourceId(resource.id).ok)
    throw new Refused('PATTERN_INVALID', `${action.tool ?? ''} ${wrong ?? ''}`);
  return command;
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function objectIn(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
