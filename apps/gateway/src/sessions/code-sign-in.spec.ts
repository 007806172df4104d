import { SessionSecrets } from '../auth/sessions/session-secrets';
import { busThat } from '../testing/bus';
import { startGateway, type Gateway } from '../testing/gateway';
import { signingKey, TestIssuer } from '../testing/issuer';
import { SessionStore } from '../testing/session-store';
import { ISSUER } from '../testing/tokens';
import { pageOf } from './return-to';

const CLIENT = 'bailiwick-console';
const KEY = signingKey('one');

describe('a sign-in to the console at an issuer', () => {
  const store = new SessionStore();
  const { bus, sent } = busThat(store.answer);
  /** the commands of a type that were sent since, as text */
  const recorded = (type: string) =>
    sent
      .splice(0)
      .flatMap(([, payload]) => (JSON.stringify(payload).includes(`"${type}"`) ? [JSON.stringify(payload)] : []));
  let issuer: TestIssuer;
  let other: TestIssuer;
  let gateway: Gateway;
  beforeAll(async () => {
    [issuer, other] = [await TestIssuer.start(KEY), await TestIssuer.start(signingKey('two'))];
    const configured = [issuer, other].map(({ url }, at) => ({
      issuer: url,
      audience: 'api',
      clients: ['bailiwick-cli'],
      person: { claim: 'email', prefix: `user${at}:` },
      roles: { claim: 'roles', values: { boss: 'admin' } },
      console: { clientId: CLIENT, clientSecret: 'a secret', scope: 'openid email' },
    }));
    for (const each of [issuer, other]) describeItself(each);
    gateway = await startGateway({ bus, issuers: configured });
  }, 60_000);
  afterAll(async () => {
    await gateway.close();
    await Promise.all([issuer.stop(), other.stop()]);
  });
  beforeEach(() => store.sessions.clear());

  function describeItself(each: TestIssuer): void {
    const metadata = {
      issuer: each.url,
      jwks_uri: `${each.url}/jwks`,
      authorization_endpoint: `${each.url}/authorize`,
      token_endpoint: `${each.url}/token`,
      authorization_response_iss_parameter_supported: true,
    };
    each.answers.set('/.well-known/openid-configuration', { body: JSON.stringify(metadata) });
  }
  async function get(path: string, cookie?: string) {
    const response = await fetch(`http://127.0.0.1:${gateway.port}${path}`, {
      redirect: 'manual',
      headers: cookie === undefined ? {} : { cookie },
    });
    await response.arrayBuffer();
    return {
      status: response.status,
      location: response.headers.get('location') ?? '',
      cookies: response.headers.getSetCookie(),
    };
  }
  /** A browser that has been sent to the issuer. */
  async function start(returnTo = '/console/approvals', at = issuer) {
    const query = new URLSearchParams({ issuer: at.url, return_to: returnTo });
    const { status, location, cookies } = await get(`/v1/session/sign-in?${query.toString()}`);
    expect(status).toBe(302);
    return { asked: new URL(location).searchParams, location, cookie: cookies[0]?.split(';')[0] as string, cookies };
  }
  type Started = Awaited<ReturnType<typeof start>>;
  const idToken = async ({ asked }: Started, changed: object = {}, from = issuer): Promise<string> => {
    const iat = Math.floor(Date.now() / 1_000);
    const claims = { iss: issuer.url, aud: CLIENT, sub: 'ada', nonce: asked.get('nonce'), iat, exp: iat + 60 };
    const person = { email: 'ada@example.com', email_verified: true, roles: ['boss'] };
    return from.sign({ ...claims, ...person, ...changed }, { typ: 'JWT' });
  };
  const issues = (token: string): void =>
    void issuer.answers.set('/token', { body: JSON.stringify({ id_token: token, token_type: 'Bearer' }) });
  /** The browser comes back from the issuer. */
  const finish = (started: Started, changed: Record<string, string | undefined> = {}, cookie = started.cookie) => {
    const answer = { code: 'a-code', state: started.asked.get('state') as string, iss: issuer.url, ...changed };
    const query = Object.entries(answer).filter((each): each is [string, string] => each[1] !== undefined);
    return get(`/v1/session/callback?${new URLSearchParams(query).toString()}`, cookie);
  };
  const failed = { status: 302, location: expect.stringMatching(/^\/console\/#sign_in_error=the%20sign-in%20failed/) };
  const expectNoSession = ({ cookies }: { cookies: string[] }): void => {
    expect(store.sessions.size).toBe(0);
    expect(cookies.filter((each) => each.startsWith('__Host-bailiwick='))).toEqual([]);
  };

  it('asks with PKCE, a state and a nonce, and starts a session of the person with the roles of the claims', async () => {
    const started = await start();
    expect(started.location.startsWith(`${issuer.url}/authorize?`)).toBe(true);
    expect(Object.fromEntries(started.asked)).toMatchObject({
      ...{ response_type: 'code', client_id: CLIENT, scope: 'openid email', code_challenge_method: 'S256' },
      redirect_uri: `${ISSUER}/v1/session/callback`,
    });
    expect(started.cookies[0]).toMatch(
      /^__Host-bailiwick-sign-in=[\w-]+; Path=\/; Max-Age=600; HttpOnly; Secure; SameSite=Lax$/,
    );
    for (const secret of ['state', 'nonce', 'code_challenge'])
      expect(started.cookies[0]).not.toContain(started.asked.get(secret) as string);
    issues(await idToken(started));
    sent.length = 0;
    const done = await finish(started);
    expect([done.status, done.location]).toEqual([302, '/console/approvals']);
    const [record, more] = recorded('recordSession');
    expect(record).toMatch(/"with":"issuer".*"log":"default\/0"/);
    expect(record).toMatch(/"kind":"person","id":"ref_[0-9a-z]{26}"/);
    expect([more, record?.includes('ada@'), record?.includes('a-code')]).toEqual([undefined, false, false]);
    expect(done.cookies).toEqual([
      expect.stringMatching(/^__Host-bailiwick=.*SameSite=Strict$/),
      expect.stringMatching(/^__Host-bailiwick-sign-in=.*Max-Age=0/),
    ]);
    const cookie = done.cookies[0]?.split(';')[0] as string;
    const session = await fetch(`http://127.0.0.1:${gateway.port}/v1/session`, { headers: { cookie } });
    expect(await session.json()).toMatchObject({
      ...{ who: { kind: 'person', name: 'user0:ada@example.com' }, roles: ['admin'], tenant: 'default' },
    });
    expect((await get('/v1/keys', cookie)).status).toBe(200);
  });

  it('is finished by the browser that started it alone (sign-in CSRF)', async () => {
    const [attacker, victim] = [await start(), await start()];
    issues(await idToken(attacker));
    const outcomes = [
      await finish(attacker, {}, victim.cookie),
      await finish(attacker, {}, ''),
      await finish(attacker, { state: 'made-up' }),
      await finish(attacker, {}, `${attacker.cookie.slice(0, -2)}AA`),
      await finish(attacker, {}, '__Host-bailiwick-sign-in=AAAA'),
    ];
    for (const each of outcomes) {
      expect(each).toMatchObject(failed);
      expectNoSession(each);
    }
    const seal = new SessionSecrets(Buffer.alloc(32, 1)).seal({ state: attacker.asked.get('state') });
    expectNoSession(await finish(attacker, {}, `__Host-bailiwick-sign-in=${seal}`));
  });

  it.each<[string, Record<string, string | undefined>]>([
    ['of another issuer', { iss: 'https://evil.example' }],
    ['that names no issuer, of one that does', { iss: undefined }],
    ['without a code', { code: undefined, error: 'access_denied' }],
  ])('takes no response %s', async (_what, changed) => {
    const started = await start();
    issues(await idToken(started));
    sent.length = 0;
    const done = await finish(started, changed);
    expect(done).toMatchObject(failed);
    expectNoSession(done);
    const [record = ''] = recorded('recordRefusal');
    expect(record).toMatch(/"log":"default\/0".*by an issuer failed: UNAUTHENTICATED/);
    expect(record).not.toMatch(/access_denied|evil|a-code/);
  });

  it('that no browser started is no record in the log of a tenant', async () => {
    sent.length = 0;
    expect(await finish(await start(), {}, '__Host-bailiwick-sign-in=made-up')).toMatchObject(failed);
    expect(recorded('recordRefusal')).toEqual([]);
  });

  it.each<[string, object, boolean]>([
    ['of another sign-in', { nonce: 'another' }, false],
    ['without a nonce', { nonce: undefined }, false],
    ['for another client', { aud: 'another', azp: 'another' }, false],
    ['of several audiences, without the client', { aud: [CLIENT, 'api'] }, false],
    ['that names another client', { azp: 'another' }, false],
    ['that has expired', { exp: 1 }, false],
    ['of an address that is not verified', { email_verified: false }, false],
    ['that another configured issuer signed', {}, true],
  ])('takes no ID token %s', async (_what, changed, isOther) => {
    const started = await start();
    issues(await idToken(started, changed, isOther ? other : issuer));
    const done = await finish(started);
    expect(done.location).toMatch(/#sign_in_error=/);
    expectNoSession(done);
  });

  it('takes no ID token of another configured issuer from the one that was asked (mix-up)', async () => {
    const started = await start();
    issues(await idToken(started, { iss: other.url }, other));
    expectNoSession(await finish(started));
  });

  it('lists where people sign in, and asks no issuer that is not configured', async () => {
    const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/sign-in`);
    expect(await response.json()).toEqual({ issuers: [], console: [{ issuer: issuer.url }, { issuer: other.url }] });
    expect((await get('/v1/session/sign-in?issuer=https://evil.example')).status).toBe(404);
    expect((await get('/v1/session/sign-in')).status).toBe(404); // which of the two?
  });

  it.each([
    'https://evil.example/',
    '//evil.example/console/',
    '/\\evil.example',
    '/console/\\..\\..\\evil',
    '/console/../v1/session',
    '/console/%2e%2e/v1/session',
    '/consoleevil/',
    'javascript:alert(1)',
    '/console/\n/evil',
    'console/',
  ])('leads to no other place than the console: %j (open redirect)', async (returnTo) => {
    const started = await start(returnTo);
    issues(await idToken(started));
    expect((await finish(started)).location).toBe('/console/');
    expect(pageOf(returnTo, ISSUER)).toBe('/console/');
  });

  it('leads back to a page of the console with its query and fragment', () => {
    expect(pageOf('/console/runs?id=1#tree', ISSUER)).toBe('/console/runs?id=1#tree');
    expect(pageOf(undefined, ISSUER)).toBe('/console/');
  });
});
