import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openRun, type Run } from '@bailiwick/client/run';
import { LIMITS } from '@bailiwick/core/limits';
import { freePort } from '@bailiwick/platform/local-servers/ports';
import { readLog, unfinished } from '../chaos/log';
import { open, WIDE } from '../e2e/leases';
import { scratch } from '../support/servers';
import { http, Stack, until } from '../support/stack';
import { setClock, startCopyOf } from './stepped-process';

const CATALOG = `catalog:
  - { tools: [mcp__notes__note_read], verb: notes.note_read, effects: [read], risk: low, resource: { type: note, id: "{/id}" } }
  - { tools: [mcp__notes__note_drop], verb: notes.note_drop, effects: [write], risk: low, resource: { type: note, id: "{/id}" } }
rules: []
`;
const GRANT = {
  ...WIDE,
  actions: { allow: ['notes.*'], deny: ['notes.note_drop'] },
  budget: { calls: 1_000_000, reads: 1_000_000 },
};
const CALL_MS = 5_000;
/** Of a killed service: until it is started again and has taken over. */
const AGAIN_MS = 60_000;

/**
 * Agents call the tools of one MCP server: through the boundary, and with the client's guard around a direct call. Each
 * call has an id, which the server records when it carries the call out. No call is repeated.
 */
describe('kill -9 under load', () => {
  let stack: Stack;
  let upstream: ChildProcess;
  let upstreamPort: number;
  let journal: string;
  let run: Run;
  let token: string;
  let agents: Promise<void>[] = [];
  let ending = false;
  let count = 0;
  /** ids of calls whose result an agent has, by how they were made; of those that are denied by the lease */
  const answered = { boundary: [] as string[], guard: [] as string[] };
  const forbidden: string[] = [];

  beforeAll(async () => {
    const dataDir = scratch();
    mkdirSync(dataDir, { recursive: true });
    journal = join(dataDir, 'calls.txt');
    writeFileSync(journal, '');
    upstreamPort = await freePort();
    await startUpstream();
    writeFileSync(
      join(dataDir, 'mcp.json'),
      JSON.stringify({ servers: { notes: { upstream: { url: upstreamUrl() } } } }),
    );
    stack = await Stack.start({}, ['--no-demo'], dataDir);
    const admin = { key: stack.keys.admin as string };
    const bundle = { bundle: { 'mcp.yaml': CATALOG }, replaces: 0 };
    expect((await http(stack, 'POST', '/v1/policies', { ...admin, body: bundle })).status).toBe(201);
    const { body: server } = await http(stack, 'GET', '/v1/mcp/servers/notes', admin);
    await http(stack, 'POST', '/v1/mcp/servers/notes/approval', { ...admin, body: { digest: server.digest } });
    token = (await open(stack.as('orchestrator'), GRANT)).token;
    const request = { agent: 'guarded', requestedBy: 'user:ada@example.com', purpose: 'Read notes', grant: GRANT };
    run = await openRun(stack.as('orchestrator'), request);
    agents = [...Array.from({ length: 3 }, throughBoundary), ...Array.from({ length: 2 }, underGuard), forbiddenly()];
    await progress();
  }, 120_000);
  afterAll(async () => {
    ending = true;
    await Promise.allSettled(agents);
    run?.close();
    upstream.kill('SIGKILL');
    await stack.stop();
  });

  const upstreamUrl = (): string => `http://127.0.0.1:${upstreamPort}/mcp`;
  async function startUpstream(): Promise<void> {
    const args = [resolve(__dirname, 'recording-upstream.mjs'), String(upstreamPort), journal];
    upstream = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(upstream, 'message');
  }
  /** Sends a call to the boundary or to the server itself. Returns whether it has a result, which no error is. */
  async function send(url: string, name: string, id: string, headers = {}): Promise<boolean> {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2025-11-25',
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: { id } } }),
      signal: AbortSignal.timeout(CALL_MS),
    });
    const { result } = (await response.json()) as { result?: { isError?: boolean } };
    return result !== undefined && result.isError !== true;
  }
  const idFor = (kind: string): string => `${kind}-${(count += 1)}`;

  const boundary = (): string => `${(stack.status() as unknown as { boundary: string }).boundary}/mcp/notes`;
  async function throughBoundary(): Promise<void> {
    while (!ending) {
      const id = idFor('boundary');
      const headers = { authorization: `Bearer ${token}` };
      const done = await send(boundary(), 'note_read', id, headers).catch(() => false);
      if (done) answered.boundary.push(id);
      else await pause();
    }
  }
  /** A separate run, since the monitor suspends a run that is denied all the time. */
  async function forbiddenly(): Promise<void> {
    const headers = { authorization: `Bearer ${(await open(stack.as('orchestrator'), GRANT)).token}` };
    while (!ending) {
      const id = idFor('forbidden');
      forbidden.push(id);
      await send(boundary(), 'note_drop', id, headers).catch(() => false);
      await pause();
    }
  }
  async function underGuard(): Promise<void> {
    const guarded = run.guard({
      name: 'note_read',
      verb: 'notes.note_read',
      resource: ({ id }: { id: string }) => ({ type: 'note', id }),
      run: async ({ id }) => {
        if (!(await send(upstreamUrl(), 'note_read', id))) throw new Error('no result');
      },
    });
    while (!ending) {
      const id = idFor('guard');
      await guarded({ id }).then(
        () => answered.guard.push(id),
        () => pause(),
      );
    }
  }
  const pause = (): Promise<void> => new Promise((resume) => setTimeout(resume, 50));

  /** Waits for calls of both kinds that start from now on. */
  async function progress(): Promise<void> {
    const from = count;
    const isNew = (id: string): boolean => Number(id.split('-')[1]) > from;
    const enough = (ids: string[]): boolean => ids.filter(isNew).length >= 10;
    await until('calls of both kinds', () => enough(answered.boundary) && enough(answered.guard), AGAIN_MS);
  }
  const pidOf = (service: string): number => {
    const found = stack.status().services.find(({ name }) => name.startsWith(service));
    if (!found) throw new Error(`no service ${service}`);
    return found.pid;
  };

  it.each(['boundary', 'gateway', 'delegation'])(
    'of a process of the %s lets calls continue once it runs again',
    async (service) => {
      process.kill(pidOf(service), 'SIGKILL');
      await progress();
    },
    AGAIN_MS + 5_000,
  );

  it(
    'of the upstream lets calls continue once it runs again',
    async () => {
      upstream.kill('SIGKILL');
      await once(upstream, 'exit');
      await startUpstream();
      await progress();
    },
    AGAIN_MS + 5_000,
  );

  it('leaves every permit with exactly one outcome, and no call that was made twice or without a permit', async () => {
    ending = true;
    await Promise.all(agents);
    // permits without a report are abandoned once their time is over
    const original = pidOf('delegation');
    const later = startCopyOf(original);
    process.kill(original, 'SIGSTOP');
    try {
      await setClock(later, LIMITS.permitMs + LIMITS.outcomeMs + 60_000);
      await until('an outcome of every permit', async () => (await unfinished(stack)) === 0, AGAIN_MS);
    } finally {
      const ended = once(later, 'exit');
      later.kill('SIGKILL');
      await ended;
      process.kill(original, 'SIGCONT');
    }
    const events = (await readLog(stack)).map(({ event }) => event);
    const permits = events.flatMap((event) => (event.type === 'ActionPermitted' ? [event] : []));
    const outcomes = events.flatMap(({ type, actionId }) =>
      /^Action(Completed|Failed|Abandoned)$/.test(type) ? [actionId] : [],
    );
    expect(outcomes.sort()).toEqual(permits.map(({ actionId }) => actionId).sort());

    const made = readFileSync(journal, 'utf8').split('\n').filter(Boolean);
    const permitted = permits.map(({ data }) => data.resource.id);
    expect(made).toHaveLength(new Set(made).size);
    expect(permitted).toHaveLength(new Set(permitted).size);
    expect(made.filter((id) => !permitted.includes(id))).toEqual([]);
    expect([...answered.boundary, ...answered.guard].filter((id) => !made.includes(id))).toEqual([]);
    expect(forbidden.filter((id) => made.includes(id))).toEqual([]);
    expect(forbidden.length).toBeGreaterThan(0);
  }, 90_000);
});
