import { digestOf } from '../auth/api-keys';
import { busThat } from '../testing/bus';
import { keyOf, startGateway, type Gateway } from '../testing/gateway';
import { SessionStore } from '../testing/session-store';
import { ISSUER } from '../testing/tokens';

/*
 * Sessions of browsers, over the whole application. Two gateways share one store, as two processes share the delegation
 * service.
 */

type Json = Record<string, unknown>;
interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly cookies: readonly string[];
}

const PAGE = { origin: ISSUER, 'sec-fetch-site': 'same-origin' };

describe('a session of a browser', () => {
  const store = new SessionStore();
  let isReadable = true;
  const { bus, sent } = busThat((subject, body) =>
    isReadable || !subject.endsWith('.session') ? store.answer(subject, body) : { fails: 'NO_RESPONDERS' },
  );
  let one: Gateway;
  let two: Gateway;
  beforeAll(async () => {
    one = await startGateway({ bus });
    two = await startGateway({ bus: busThat(store.answer).bus });
  }, 60_000);
  afterAll(() => Promise.all([one.close(), two.close()]));

  async function send(
    method: string,
    path: string,
    { at = one, body, ...headers }: { at?: Gateway; body?: unknown } & Json = {},
  ): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${at.port}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...(headers as object) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      body: text.startsWith('{') ? (JSON.parse(text) as Json) : {},
      cookies: response.headers.getSetCookie(),
    };
  }
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  async function codeOf(key = keyOf('admin'), keys: readonly string[] = []): Promise<string> {
    const link = await send('POST', '/v1/session-links', { body: { keys }, ...bearer(key) });
    expect([link.status, link.body.url]).toEqual([201, expect.stringMatching(`^${ISSUER}/console/#code=`)]);
    return String(link.body.url).split('#code=')[1] as string;
  }
  async function signIn(key?: string, keys?: readonly string[]): Promise<{ cookie: string; csrf: string }> {
    const { status, body, cookies } = await send('POST', '/v1/session', {
      body: { code: await codeOf(key, keys) },
      ...PAGE,
    });
    expect([status, cookies.length]).toEqual([201, 1]);
    return { cookie: cookies[0]?.split(';')[0] as string, csrf: String(body.csrf) };
  }
  const listOfKeys = (more: Json) => send('GET', '/v1/keys', more);
  const makeKey = (more: Json) => send('POST', '/v1/keys', { body: { name: 'some', role: 'analyst' }, ...more });

  it('starts with a link, in a cookie that scripts and other sites do not get, and takes the place of a key', async () => {
    const { body, cookies } = await send('POST', '/v1/session', { body: { code: await codeOf() }, ...PAGE });
    expect(cookies[0]).toMatch(
      /^__Host-bailiwick=[\w-]{43}\.[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; Secure; SameSite=Strict$/,
    );
    expect(body).toMatchObject({ tenant: 'default', who: { id: 'key:admin' }, roles: ['admin'] });
    const cookie = String(cookies[0]).split(';')[0];
    for (const at of [one, two]) {
      expect((await listOfKeys({ cookie, at })).status).toBe(200);
      expect((await send('GET', '/v1/session', { cookie, at })).body).toEqual(body);
    }
    expect((await makeKey({ cookie, ...PAGE, 'x-csrf-token': body.csrf, at: two })).status).toBe(201);
    expect(
      (await send('POST', '/v1/revocations/preview', { cookie, ...PAGE, 'x-csrf-token': body.csrf, body: {} })).status,
    ).toBe(403);
  });

  it('has the roles of all keys that were presented, and acts in each as its key', async () => {
    const { cookie } = await signIn(keyOf('admin'), [keyOf('approver'), keyOf('analyst')]);
    expect((await send('GET', '/v1/session', { cookie })).body.roles).toEqual(['admin', 'approver', 'analyst']);
    const mixed = await send('POST', '/v1/session-links', {
      body: { keys: [keyOf('approver', 'acme')] },
      ...bearer(keyOf('admin')),
    });
    expect([mixed.status, mixed.body.code]).toEqual([403, 'FORBIDDEN']);
    const wrong = await send('POST', '/v1/session-links', {
      body: { keys: ['bwk_made_up'] },
      ...bearer(keyOf('admin')),
    });
    expect(wrong.status).toBe(403);
  });

  it('starts once per link, also at another gateway, and with no made-up code', async () => {
    const code = await codeOf();
    const first = await send('POST', '/v1/session', { body: { code }, ...PAGE });
    const again = await send('POST', '/v1/session', { body: { code }, at: two, ...PAGE });
    expect([first.status, again.status, again.cookies]).toEqual([201, 401, []]);
    const before = store.asked;
    for (const made of ['x', `${'a'.repeat(43)}.${'a'.repeat(43)}`, `${code}x`])
      expect((await send('POST', '/v1/session', { body: { code: made }, ...PAGE })).status).toBe(401);
    expect(store.asked).toBe(before); // recognized without a look-up
  });

  it('is not the one that a browser brings: its secret is new (fixation)', async () => {
    const planted = `__Host-bailiwick=${'a'.repeat(43)}.${'b'.repeat(43)}`;
    const started = await send('POST', '/v1/session', { body: { code: await codeOf() }, cookie: planted, ...PAGE });
    expect(started.status).toBe(201);
    expect(started.cookies[0]?.startsWith(planted)).toBe(false);
    expect((await listOfKeys({ cookie: planted })).status).toBe(401);
    // a code is no session, and a session no code
    const code = await codeOf();
    expect((await listOfKeys({ cookie: `__Host-bailiwick=${code}` })).status).toBe(401);
  });

  it('is not replaced by the link of another holder (sign-in CSRF)', async () => {
    const { cookie } = await signIn();
    const planted = await send('POST', '/v1/session', {
      body: { code: await codeOf(keyOf('analyst')) },
      cookie,
      ...PAGE,
    });
    expect([planted.status, planted.body.code, planted.cookies]).toEqual([409, 'CONFLICT', []]);
    for (const origin of ['https://evil.example', 'null', 'https://bailiwick.example.evil.example', undefined]) {
      const headers = origin === undefined ? {} : { origin };
      const forged = await send('POST', '/v1/session', { body: { code: await codeOf() }, ...headers });
      expect([origin, forged.status, forged.cookies]).toEqual([origin, 403, []]);
    }
  });

  it('changes nothing without its own token in the header (CSRF)', async () => {
    const [mine, other] = [await signIn(), await signIn()];
    for (const token of [undefined, '', 'x', other.csrf, mine.cookie.split('=')[1]]) {
      const headers = token === undefined ? {} : { 'x-csrf-token': token };
      expect((await makeKey({ cookie: mine.cookie, ...PAGE, ...headers })).status).toBe(403);
      expect((await send('DELETE', '/v1/session', { cookie: mine.cookie, ...PAGE, ...headers })).status).toBe(403);
    }
    expect((await listOfKeys({ cookie: mine.cookie })).status).toBe(200);
  });

  it.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['a sandboxed page', { origin: 'null' }],
    ['another port', { origin: `${ISSUER}:8443` }],
    ['no origin', { origin: undefined }],
    ['a page of the same site', { 'sec-fetch-site': 'same-site' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
  ])('is refused in a request of %s, even with its token', async (_what, wrong) => {
    const { cookie, csrf } = await signIn();
    const headers = Object.fromEntries(
      Object.entries({ ...PAGE, ...wrong }).filter(([, value]) => value !== undefined),
    );
    expect((await makeKey({ cookie, 'x-csrf-token': csrf, ...headers })).status).toBe(403);
    if ('sec-fetch-site' in wrong) expect((await listOfKeys({ cookie, ...wrong })).status).toBe(403);
  });

  it('ends at every gateway when it is signed out, and when its key is revoked', async () => {
    sent.length = 0;
    const { cookie, csrf } = await signIn();
    const out = await send('DELETE', '/v1/session', { cookie, 'x-csrf-token': csrf, ...PAGE });
    expect([out.status, out.cookies[0]]).toEqual([204, expect.stringContaining('Max-Age=0')]);
    for (const at of [one, two]) {
      expect((await listOfKeys({ cookie, at })).status).toBe(401);
      expect((await send('GET', '/v1/session', { cookie, at })).status).toBe(401);
    }
    const records = sent.map(([, each]) => JSON.stringify(each)).filter((each) => each.includes('"recordSession"'));
    expect(records.map((each) => /"change":"(\w+)"/.exec(each)?.[1])).toEqual(['started', 'ended']);
    expect(records.join()).toContain('"id":"key:admin"');
    expect(records.join()).not.toContain(cookie.split('=')[1]);
    const secret = (await signIn()).cookie.split('=')[1] as string;
    const gone = { kind: 'keys' as const, keys: [{ digest: digestOf('bwk_a key that was removed') }] };
    store.sessions.set(digestOf(secret), { tenant: 'default', holder: gone });
    expect((await listOfKeys({ cookie: `__Host-bailiwick=${secret}` })).status).toBe(401);
  });

  it('is signed out while it cannot be read', async () => {
    const { cookie, csrf } = await signIn();
    isReadable = false;
    const out = await send('DELETE', '/v1/session', { cookie, 'x-csrf-token': csrf, ...PAGE });
    isReadable = true;
    expect([out.status, (await listOfKeys({ cookie })).status]).toEqual([204, 401]);
  });

  it('makes no links and counts only without other credentials, once, and well-formed', async () => {
    const { cookie, csrf } = await signIn();
    const link = await send('POST', '/v1/session-links', { cookie, 'x-csrf-token': csrf, ...PAGE, body: { keys: [] } });
    expect([link.status, link.body.code]).toEqual([403, 'FORBIDDEN']);
    expect((await listOfKeys({ cookie, ...bearer('bwk_unknown_key') })).status).toBe(401);
    expect((await listOfKeys({ cookie: `${cookie}; ${cookie}` })).status).toBe(401);
    expect((await listOfKeys({ cookie: cookie.replace('__Host-', '') })).status).toBe(401);
    const changed = cookie.slice(0, -1) + (cookie.endsWith('A') ? 'B' : 'A');
    const before = store.asked;
    expect((await listOfKeys({ cookie: changed })).status).toBe(401);
    expect(store.asked).toBe(before);
  });

  it('is not accepted while the store cannot be read', async () => {
    const dead = await startGateway({ bus: busThat(() => ({ fails: 'NO_RESPONDERS' })).bus });
    const { cookie } = await signIn();
    expect((await listOfKeys({ cookie, at: dead })).status).toBe(503);
    await dead.close();
  }, 30_000);
});
