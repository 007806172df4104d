import fc from 'fast-check';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { PERMIT, PlainWorld } from '../plain/testing/plain-world';
import { Fractions } from './fractions';

fc.configureGlobal({ seed: 20261130 });

const CATALOG: CatalogEntry[] = [{ tools: ['llm__acme__*'], verb: 'model.ask', effects: ['external'], risk: 'low' }];
const PRICE = { currency: 'USD', input: 100, output: 1_000 };

describe('Models', () => {
  let world: PlainWorld;
  beforeAll(async () => {
    const large = { price: PRICE, maxOutputTokens: 4_000_000 };
    world = await new PlainWorld(CATALOG).start((upstream) => ({
      models: {
        acme: {
          upstream: { url: `${upstream}/v1` },
          credentials: { headers: { authorization: 'Bearer of-provider' } },
          models: { large, seeing: { ...large, otherPartTokens: 1_000 }, local: { maxOutputTokens: 50 } },
        },
        unnamed: { upstream: { url: upstream }, models: { large } },
      },
    }));
  });
  afterAll(() => world.stop());
  beforeEach(() => world.forget());

  const MESSAGES = [{ role: 'user', content: 'Greet me' }];
  const ask = (body: object = {}, provider = 'acme') =>
    world.send(
      'POST',
      `/llm/${provider}/v1/chat/completions`,
      { 'content-type': 'application/json' },
      JSON.stringify({ model: 'large', messages: MESSAGES, ...body }),
    );
  const usage = { prompt_tokens: 1_000_000, completion_tokens: 500_000, total_tokens: 1_500_000 };
  const completion = JSON.stringify({ id: 'c', choices: [{ message: { content: 'hello' } }], usage });
  const chunk = (data: object | string) => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
  const hello = chunk({ choices: [{ delta: { content: 'hello' } }] });
  const last = chunk({ choices: [], usage });
  const streaming = (...events: string[]) => {
    world.upstream = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const each of events) response.write(each);
      response.end();
    };
  };

  it('reserves the most that a request can cost, and charges what it did cost', async () => {
    world.upstream = (_request, response) => response.setHeader('content-type', 'application/json').end(completion);
    const answer = await ask({ max_tokens: 2_000_000, n: 2 });
    expect([answer.status, answer.text]).toEqual([200, completion]);
    const bytes = world.received[0]?.body.length ?? 0;
    expect(world.asked[0]).toMatchObject({
      action: { verb: 'model.ask', tool: 'llm__acme__large' },
      resource: { type: 'model', id: 'acme/large' },
      units: { tokens: 4_000_000 + bytes },
      cost: { USD: 4_001 },
    });
    expect(await world.outcomes()).toMatchObject([
      { status: 'completed', units: { tokens: 1_500_000 }, cost: { USD: 600 } },
    ]);
    expect(world.received[0]?.headers.authorization).toBe('Bearer of-provider');
    expect([world.received[0]?.url, JSON.stringify(world.commands)]).toEqual([
      '/v1/chat/completions',
      expect.not.stringContaining('Greet me'),
    ]);
  });

  it('passes a stream on as it comes, and asks for the usage, which the client does not get unasked', async () => {
    streaming(hello, last, chunk('[DONE]'));
    const answer = await ask({ stream: true });
    expect([answer.text, answer.headers['content-type']]).toEqual([hello + chunk('[DONE]'), 'text/event-stream']);
    expect(JSON.parse(world.received[0]?.body ?? '')).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(await world.outcomes()).toMatchObject([
      { status: 'completed', units: { tokens: 1_500_000 }, cost: { USD: 600 } },
    ]);
    expect((await ask({ stream: true, stream_options: { include_usage: true } })).text).toBe(
      hello + last + chunk('[DONE]'),
    );
  });

  it('charges no call of a model without a price, and still counts its tokens', async () => {
    world.upstream = (_request, response) => response.setHeader('content-type', 'application/json').end(completion);
    await ask({ model: 'local' });
    expect([world.asked[0]?.cost, world.asked[0]?.units]).toEqual([
      undefined,
      { tokens: 50 + (world.received[0]?.body.length ?? 0) },
    ]);
    expect((await world.outcomes())[0]?.cost).toBeUndefined();
  });

  it.each<[string, object, number]>([
    ['a model without a price', { model: 'other' }, 403],
    ['a member whose cost cannot be known', { web_search_options: {} }, 400],
    ['a tool that the provider runs', { tools: [{ type: 'web_search' }] }, 400],
    [
      'an image that has no known number of tokens',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://a' } }] }] },
      400,
    ],
    ['two bounds', { max_tokens: 1, max_completion_tokens: 9 }, 400],
    ['a bound that is no number', { max_tokens: -1 }, 400],
    ['no number of completions', { n: 0 }, 400],
  ])('passes on no request with %s', async (_what, body, status) => {
    const answer = await ask(body);
    expect([answer.status, world.received, world.asked]).toEqual([status, [], []]);
    expect((answer.body.error as { message?: string }).message).toBe(answer.body.detail);
  });

  it('passes on no request to a model that the policy does not name, to no other path, and none that is denied', async () => {
    expect((await ask({}, 'unnamed')).status).toBe(403);
    expect((await world.send('POST', '/llm/acme/v1/embeddings')).status).toBe(404);
    world.decide = () => ({ ok: true, value: { ...PERMIT, decision: 'deny' } });
    expect([(await ask()).status, world.received]).toEqual([403, []]);
  });

  it('reserves tokens for each image of a model that sees', async () => {
    const content = [{ type: 'image_url', image_url: { url: 'https://a.test/b.png' } }];
    await ask({ model: 'seeing', messages: [{ role: 'user', content }], max_tokens: 1 });
    expect(world.asked[0]?.units).toEqual({ tokens: 1_001 + (world.received[0]?.body.length ?? 0) });
  });

  it.each<[string, number, string]>([
    ['refuses the request', 429, 'failed'],
    ['fails', 500, 'completed'],
  ])('charges only a call that may have been made if the provider %s', async (_what, status, outcome) => {
    world.upstream = (_request, response) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    expect((await ask()).status).toBe(status);
    expect(await world.outcomes()).toMatchObject([{ status: outcome }]);
  });

  it('shows no refusal of the key of the provider', async () => {
    world.upstream = (_request, response) => response.writeHead(401).end('the key sk-123 is not valid');
    const answer = await ask();
    expect([answer.status, answer.text]).toEqual([502, expect.not.stringContaining('sk-123')]);
  });

  /** The outcome of a call whose usage is not known: without amounts, so that the reservation is charged. */
  const reservationCharged = async () => {
    const [outcome, ...more] = await world.outcomes();
    expect([outcome?.status, outcome?.cost, outcome?.units, more]).toEqual(['completed', undefined, undefined, []]);
  };

  /** Starts a stream, and returns before its end. */
  const started = (signal?: AbortSignal) =>
    fetch(`${world.url}/llm/acme/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer of-run', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'large', messages: MESSAGES, stream: true }),
      ...(signal ? { signal } : {}),
    });

  it('charges the reservation of a stream that is cut in the middle, and lets the client know that it was', async () => {
    world.upstream = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(hello, () => response.destroy());
    };
    await expect(ask({ stream: true })).rejects.toThrow();
    await reservationCharged();
  });

  it('charges the reservation of a stream without a report of what was used', async () => {
    streaming(hello, chunk('[DONE]'));
    await ask({ stream: true });
    await reservationCharged();
  });

  it('aborts a stream at the provider when its client goes away, and charges the reservation', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    world.upstream = (_request, response) => {
      closed = new Promise((resolve) => response.once('close', resolve));
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(hello);
    };
    const reported = new Promise<void>((resolve) => (world.onOutcome = resolve));
    const gone = new AbortController();
    const answer = await started(gone.signal);
    await answer.body?.getReader().read();
    gone.abort();
    await Promise.all([reported, closed]);
    await reservationCharged();
  });

  it.each([
    ['its lease is revoked', () => world.revoke()],
    ['its model is denied', () => world.denyTool()],
  ])('ends a stream, also at the provider, when %s', async (_what, stop) => {
    let closed: Promise<unknown> = Promise.resolve();
    world.upstream = (_request, response) => {
      closed = new Promise((resolve) => response.once('close', resolve));
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(hello);
    };
    const reader = (await started()).body?.getReader();
    await reader?.read();
    stop();
    await closed;
    await expect(reader?.read()).rejects.toThrow();
    await reservationCharged();
  });
});

describe('Fractions', () => {
  it('charges a lease the sum of its prices, rounded up', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000_000 }), { maxLength: 30 }), (prices) => {
        const fractions = new Fractions();
        const charges = prices.map((price) => [fractions.charge('a', price), Fractions.most(price)] as const);
        for (const [charged, most] of charges) expect(charged).toBeLessThanOrEqual(most);
        const sum = (values: number[]): number => values.reduce((one, other) => one + other, 0);
        expect(sum(charges.map(([charged]) => charged))).toBe(Math.ceil(sum(prices) / 1_000_000));
      }),
      { numRuns: 40 },
    );
  });
});
