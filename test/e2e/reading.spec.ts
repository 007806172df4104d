import { once } from 'node:events';
import { connect } from 'node:net';
import { Client } from 'pg';
import { LIMITS } from '@bailiwick/core/limits';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { databaseUrl } from '../chaos/log';
import { http, Stack, until } from '../support/stack';
import { open, read, write } from './leases';

interface EventItem {
  log: string;
  position: number;
  type: string;
}

/** Covers lists, events in three formats, trees at a position, receipts and custody. */
describe('an analyst', () => {
  let stack: Stack;
  let story: {
    treeId: string;
    runId: string;
    grantId: string;
    childGrantId: string;
    actionId: string;
    before: number;
    last: number;
  };

  beforeAll(async () => {
    stack = await Stack.start();
    const root = await open(stack.as('orchestrator'));
    const agent = stack.as('orchestrator').as(root.token);
    const child = await agent.delegate(root.grant.id, {
      agent: { class: 'writer' },
      task: 'write',
      grant: { actions: { allow: ['file.*'] }, budget: { writes: 1 } },
    });
    const done = await stack.as('enforcer').act(write(child.grant.id));
    await stack.as('enforcer').settle(done.actionId, {
      status: 'completed',
      effects: { filesChanged: ['docs/x.md'], external: [] },
      cost: { USD: 12 },
    });
    await stack.as('enforcer').act(write(child.grant.id, 'docs/y.md'));
    const { position } = await agent.complete(root.run.id);
    story = {
      treeId: root.run.treeId,
      runId: root.run.id,
      grantId: root.grant.id,
      childGrantId: child.grant.id,
      actionId: done.actionId,
      before: root.position,
      last: position,
    };
  }, 120_000);
  afterAll(() => stack.stop());

  const get = (path: string, headers: Record<string, string> = {}) =>
    http(stack, 'GET', path, { key: stack.keys.analyst, headers });

  it('lists runs and grants with filters, a cursor and the position of the read model', async () => {
    const runs = await get(`/v1/runs?treeId=${story.treeId}&minPosition=${story.last}`);
    expect(runs.body.items).toHaveLength(2);
    for (const { id, requestedByStatedBy } of runs.body.items as { [member: string]: unknown }[]) {
      const single = await get(`/v1/runs/${id as string}`);
      expect(requestedByStatedBy).toMatch(/^key:/);
      expect(single.body.requestedByStatedBy).toBe(requestedByStatedBy);
    }
    expect(runs.body.asOf).toBeDefined();
    const first = await get(`/v1/grants?treeId=${story.treeId}&limit=1&minPosition=${story.last}`);
    const second = await get(
      `/v1/grants?treeId=${story.treeId}&limit=1&cursor=${encodeURIComponent(first.body.next as string)}`,
    );
    const ids = [first, second].flatMap((page) => (page.body.items as { id: string }[]).map((item) => item.id));
    expect(new Set(ids)).toEqual(new Set([story.grantId, story.childGrantId]));
    const completed = await get(`/v1/runs?status=completed&minPosition=${story.last}`);
    expect((completed.body.items as { id: string }[]).map((item) => item.id)).toContain(story.runId);
  });

  it('sees a tree at an earlier position', async () => {
    const then = await get(`/v1/trees/${story.treeId}?at=${story.before}`);
    expect(then.body.grants as unknown[]).toHaveLength(1);
    expect((then.body.grants as { status: string }[])[0]?.status).toBe('active');
    const now = await get(`/v1/trees/${story.treeId}`);
    expect((now.body.grants as { status: string }[]).every((grant) => grant.status !== 'active')).toBe(true);
    const byTime = await get(
      `/v1/trees/${story.treeId}?at=${encodeURIComponent(new Date(Date.now() + 1_000).toISOString())}`,
    );
    expect(byTime.body.grants as unknown[]).toHaveLength(2);
  });

  it('requests a what-if under other limits, with or without progress, for the own tenant only', async () => {
    const ask = (body: unknown) => http(stack, 'POST', '/v1/replays', { key: stack.keys.analyst, body });
    await get(`/v1/runs?minPosition=${story.last}`);
    const { treeId, actionId } = story;
    expect((await ask({ change: {} })).body).toMatchObject({ differ: 0, byKind: {}, truncated: false });
    const denied = {
      change: { grant: { select: { agentClass: 'writer' }, limits: { actions: { deny: ['file.*'] } } } },
    };
    const response = await ask({ ...denied, treeId });
    expect(response.body).toMatchObject({
      differ: 1,
      byVerb: { 'file.write': { 'permit->deny': 1 } },
      outcomesFallenAway: 1,
    });
    expect(response.body.differences).toMatchObject([
      { actionId, before: { decision: 'permit' }, after: { decision: 'deny' } },
    ]);
    expect(await stack.as('analyst').replay({ ...denied, treeId } as never)).toEqual(response.body);
    expect((await ask({ change: { drift: { stepUpAt: 2 } } })).body).toMatchObject({
      code: 'BAD_REQUEST',
      detail: expect.stringContaining('change.drift.stepUpAt'),
    });
    expect((await ask({ ...denied, log: 'other/0' })).status).toBe(404);
    expect((await ask({ change: {}, from: 1_000_000 })).status).toBe(404);
  });

  it('gets 429 if too many what-ifs are queued, and a place once clients disconnect', async () => {
    const analyst = stack.as('analyst');
    /** Requests a what-if; it is queued once progress is reported. */
    const asking = (signal?: AbortSignal): { inLine: Promise<void>; answer: Promise<unknown> } => {
      let answer: Promise<unknown> = Promise.resolve();
      const inLine = new Promise<void>((resolve, reject) => {
        answer = analyst.replay({ change: {} }, () => resolve(), signal);
        answer.catch(reject);
      });
      return { inLine, answer };
    };
    const lock = new Client({ connectionString: databaseUrl(stack) });
    await lock.connect();
    try {
      await lock.query('BEGIN; LOCK TABLE event IN ACCESS EXCLUSIVE MODE'); // keeps the running what-if from finishing
      const gone = new AbortController();
      const all = Array.from({ length: 1 + LIMITS.replaysWaiting }, () => asking(gone.signal));
      await Promise.all(all.map(({ inLine }) => inLine));
      for (const accept of ['application/json', 'application/x-ndjson']) {
        const refused = await http(stack, 'POST', '/v1/replays', {
          key: stack.keys.analyst,
          body: { change: {} },
          headers: { accept },
        });
        expect([accept, refused.status, refused.headers.get('retry-after')]).toEqual([accept, 429, '1']);
        expect(refused.body).toMatchObject({ code: 'TOO_MANY', detail: expect.stringContaining('try again shortly') });
      }
      gone.abort();
      await Promise.allSettled(all.map(({ answer }) => answer));
      let next = asking();
      const placed = (): Promise<boolean> =>
        next.inLine.then(
          () => true,
          () => false,
        );
      await until('a free place in the queue', async () => (await placed()) || ((next = asking()), false));
      await lock.query('ROLLBACK');
      expect(await next.answer).toMatchObject({ differ: 0 });
    } finally {
      await lock.end();
    }
  }, 60_000);

  it('reads events as JSON and NDJSON, without gaps, and filtered', async () => {
    const all = await get(`/v1/events?after=-1&limit=1000&minPosition=${story.last}`);
    const items = all.body.items as EventItem[];
    expect(items.map((item) => item.position)).toEqual(items.map((_, i) => i));
    expect(items[0]).toMatchObject({
      log: 'default/0',
      actor: expect.anything(),
      commandId: expect.any(String),
      data: expect.anything(),
    });
    const ndjson = await get('/v1/events?after=-1&limit=1000', { accept: 'application/x-ndjson' });
    expect(ndjson.headers.get('content-type')).toContain('application/x-ndjson');
    const lines = (ndjson.body.text as string)
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as EventItem);
    expect(lines.map((line) => line.position).slice(0, items.length)).toEqual(items.map((item) => item.position));
    const denied = await get(`/v1/events?after=-1&type=ActionDenied&treeId=${story.treeId}`);
    expect((denied.body.items as EventItem[]).map((item) => item.type)).toEqual(['ActionDenied']);
  });

  it('follows the stream and resumes after a disconnect without loss or duplicates', async () => {
    const stream = async (
      lastEventId: string | undefined,
      enough: (seen: EventItem[]) => boolean,
    ): Promise<EventItem[]> => {
      const aborter = new AbortController();
      const response = await stack
        .as('analyst')
        .raw('/v1/events/stream', lastEventId === undefined ? {} : { 'last-event-id': lastEventId }, aborter.signal);
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      const seen: EventItem[] = [];
      let text = '';
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk).toString();
        const parts = text.split('\n\n');
        text = parts.pop() ?? '';
        for (const part of parts) {
          const data = /^data: (.*)$/m.exec(part)?.[1];
          if (data !== undefined) seen.push(JSON.parse(data) as EventItem);
        }
        if (enough(seen)) break;
      }
      aborter.abort();
      return seen;
    };
    const first = await stream(undefined, (seen) => seen.length >= 4);
    const cut = first.slice(0, 4);
    const { grant } = await open(stack.as('orchestrator'));
    await stack.as('enforcer').act(read(grant.id));
    const last = cut[cut.length - 1] as EventItem;
    const second = await stream(`${last.log}:${last.position}`, (seen) =>
      seen.some((item) => item.type === 'ActionPermitted' && item.position > story.last),
    );
    const positions = [...cut, ...second].map((item) => item.position);
    expect(positions).toEqual(positions.map((_, i) => i));
  });

  it('can still follow after clients that pipelined many requests and disconnected', async () => {
    const { hostname, port } = new URL(stack.url);
    const { asOf } = (await get('/v1/events?limit=1')).body as { asOf: Record<string, number> };
    // The server stops reading a connection with 16 KiB of unread responses: send few requests on each, without events.
    const ask = `GET /v1/events/stream?after=${asOf['default/0']} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stack.keys.analyst}\r\n\r\n`;
    const sockets = Array.from({ length: 40 }, () => connect(Number(port), hostname));
    await Promise.all(sockets.map((socket) => once(socket, 'connect'))); // rejects if a connection is refused
    for (const socket of sockets) socket.on('error', () => undefined).write(ask.repeat(10));
    const open = async (count: number): Promise<number[]> => {
      const aborter = new AbortController();
      const streams = Array.from({ length: count }, () =>
        stack.as('analyst').raw('/v1/events/stream', {}, aborter.signal),
      );
      const statuses = (await Promise.all(streams)).map(({ status }) => status);
      aborter.abort();
      return statuses;
    };
    await until('all places to be taken', async () => (await open(1))[0] === 429);
    for (const socket of sockets) socket.destroy();
    // more than the closed connections: each pipelined request has freed its place, too
    await until('free places for all of them', async () => (await open(50)).every((status) => status === 200));
  });

  it('can still follow after many clients that connected and disconnected at once', async () => {
    const flood = Array.from({ length: 260 }, async () => {
      const aborter = new AbortController();
      const gone = stack.as('analyst').raw('/v1/events/stream?after=10', {}, aborter.signal);
      setImmediate(() => aborter.abort());
      await gone.then(
        () => undefined,
        () => undefined,
      );
    });
    await Promise.all(flood);
    await until('a stream to open', async () => {
      const aborter = new AbortController();
      const { status } = await stack.as('analyst').raw('/v1/events/stream', {}, aborter.signal);
      aborter.abort();
      return status === 200;
    });
  });

  it('gets a receipt that verifies with the key of the log alone, and custody up to the principal', async () => {
    const receipt = await stack.as('analyst').receipt(story.runId, story.last);
    const vkey = await stack.as('analyst').verifierKey('default/0');
    const { ok, steps, statement } = verifyReceipt(receipt, vkey);
    expect(steps.filter((step) => !step.ok)).toEqual([]);
    expect(ok).toBe(true);
    expect(statement?.predicate).toMatchObject({
      ended: { reason: expect.stringContaining('completed') as string },
      children: [expect.anything()],
    });
    const { treeId } = await stack.as('analyst').run(story.runId);
    for (const other of [
      await stack.as('analyst').treeReceipt(treeId, story.last),
      await stack.as('analyst').actionReceipt(story.actionId, story.last),
    ])
      expect(verifyReceipt(other, vkey).steps.filter((step) => !step.ok)).toEqual([]);
    const custody = (await stack.as('analyst').custody(story.actionId)) as {
      links: { link: string }[];
      findings: string[];
    };
    expect(custody.findings).toEqual([]);
    expect(custody.links.map((link) => link.link)).toEqual(['principal', 'grant', 'grant', 'decision', 'outcome']);
  });

  it('reads the proofs of the log: key, signed checkpoint, proof of an event', async () => {
    expect((await get('/log/default/0/vkey')).body.text).toMatch(
      /^[^+]+\/default\/0\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+\n?$/,
    );
    await until(
      'a checkpoint of all events',
      async () => Number(((await get('/log/default/0/checkpoint')).body.text as string).split('\n')[1]) > story.last,
    );
    const proof = await get('/log/default/0/proof/0');
    expect(proof.status).toBe(200);
    expect(proof.body.text).toContain('c2sp.org/tlog-proof@v1');
    expect((await get('/log/default/0/tile/0/000.p/1')).status).toBe(200);
    expect((await get('/log/default/0/tile/entries/000.p/1')).status).toBe(200);
    expect((await get('/log/default/0/proof/999999')).status).toBe(404);
  });

  it('reads the description and the health of the service', async () => {
    const openapi = await http(stack, 'GET', '/openapi.json');
    expect(openapi.body.openapi).toBe('3.1.0');
    expect(Object.keys(openapi.body.paths as object)).toEqual(
      expect.arrayContaining(['/v1/runs', '/v1/actions', '/access/v1/evaluation']),
    );
    for (const path of ['/healthz', '/readyz', '/docs']) expect((await http(stack, 'GET', path)).status).toBe(200);
    const metrics = await http(stack, 'GET', '/metrics', { key: stack.keys.analyst });
    expect(metrics.body.text as string).toContain('bailiwick_http_requests_total');
  });
});
