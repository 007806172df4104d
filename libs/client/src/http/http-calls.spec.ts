import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BailiwickClient, ProblemError } from '../client';

/** Answers in turn: with a status and a body, or by closing the connection after it has read the request, or never. */
type Turn = { status: number; body: object; headers?: Record<string, string> } | 'lost' | 'silent';

describe('a request of the client', () => {
  let server: Server;
  let turns: Turn[] = [];
  let seen: { key: unknown; traceparent: unknown; url: string | undefined }[] = [];
  beforeAll(async () => {
    server = createServer((request: IncomingMessage, response) => {
      const { headers, url } = request;
      seen.push({ key: headers['idempotency-key'], traceparent: headers['traceparent'], url });
      request.resume().once('end', () => {
        const turn = turns.shift() ?? { status: 200, body: {} };
        if (turn === 'lost') return request.socket.destroy();
        if (turn === 'silent') return undefined;
        response.writeHead(turn.status, { 'content-type': 'application/json', ...turn.headers });
        return response.end(JSON.stringify(turn.body));
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = (): BailiwickClient => {
    seen = [];
    return new BailiwickClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: 'key' });
  };
  const busyFor = (seconds: number): Turn => ({
    status: 503,
    body: { code: 'NOT_READY', detail: 'no owner' },
    headers: { 'retry-after': String(seconds) },
  });

  it('is repeated with one key while the service is not ready', async () => {
    turns = [busyFor(0), busyFor(0), { status: 200, body: { ok: true } }];
    await expect(client().post('/v1/x', {})).resolves.toEqual({ ok: true });
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map(({ key }) => key)).size).toBe(1);
  });

  it('is repeated with the same key if its answer is lost, by a patient client only', async () => {
    turns = ['lost', { status: 502, body: {} }, { status: 200, body: { ok: true } }];
    const options = { idempotencyKey: 'mine', headers: { traceparent: '00-1-2-01' } };
    await expect(client().patient().post('/v1/x', {}, options)).resolves.toEqual({ ok: true });
    const sent = { key: 'mine', traceparent: '00-1-2-01', url: '/v1/x' };
    expect(seen).toEqual([sent, sent, sent]);
    turns = ['lost'];
    await expect(client().post('/v1/x', {})).rejects.toThrow('fetch failed');
    expect(seen).toHaveLength(1);
  });

  it('is not repeated if it is refused', async () => {
    turns = [{ status: 403, body: { code: 'GRANT_WIDENS_PARENT', detail: 'wider' } }];
    const error = await client()
      .patient()
      .post('/v1/x', {})
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({ status: 403, code: 'GRANT_WIDENS_PARENT' });
    expect(seen).toHaveLength(1);
  });

  it('ends with the reason of its signal, also between two attempts', async () => {
    turns = [busyFor(60)];
    const caller = new AbortController();
    const call = client().get('/v1/x', { signal: caller.signal });
    server.once('request', () => setImmediate(() => caller.abort(new Error('left'))));
    await expect(call).rejects.toThrow('left');
  });

  it('is repeated with the same key if the service accepts it and never answers, by a patient client', async () => {
    turns = ['silent', { status: 200, body: { ok: true } }];
    await expect(client().patient(1, 50).post('/v1/x', {})).resolves.toEqual({ ok: true });
    expect(seen).toHaveLength(2);
    expect(new Set(seen.map(({ key }) => key)).size).toBe(1);
  });

  it('ends at once for an abort after its first attempt, without another one', async () => {
    turns = ['lost'];
    const caller = new AbortController();
    server.once('request', () => caller.abort(new Error('left')));
    await expect(client().patient().get('/v1/x', { signal: caller.signal })).rejects.toThrow('left');
    expect(seen.length).toBeLessThanOrEqual(1);
  });

  it.each([
    ['an address that is not set', { url: String(undefined), key: 'hunter2' }],
    ['an address with credentials', { url: 'http://ada:hunter2@127.0.0.1', key: 'key' }],
    ['a key with a line break', { url: 'http://127.0.0.1', key: 'hunter2\nx' }],
  ])('is not sent with %s, and the error does not have it', (_, options) => {
    let message = '';
    try {
      new BailiwickClient(options);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toMatch(/^(url|key) is not/);
    expect(message).not.toContain('hunter2');
  });
});
