import { CONSOLE_CLIENT, OpenIdProvider } from '../../../../test/support/openid-provider';
import { busThat } from '../testing/bus';
import { startGateway, type Gateway } from '../testing/gateway';
import { SessionStore } from '../testing/session-store';
import { ISSUER } from '../testing/tokens';

const AUDIENCE = 'https://bailiwick.example/api';
const CALLBACK = `${ISSUER}/v1/session/callback`;

// `oidc-provider`, unmodified, as the issuer; each case of a forged response is in code-sign-in.spec.ts
describe('a sign-in to the console at a real OpenID provider', () => {
  const store = new SessionStore();
  let provider: OpenIdProvider;
  let gateway: Gateway;
  beforeAll(async () => {
    provider = await OpenIdProvider.start(AUDIENCE, CALLBACK);
    const issuer = {
      issuer: provider.url,
      audience: AUDIENCE,
      clients: ['bailiwick-cli'],
      person: { claim: 'email' },
      roles: { claim: 'roles', values: { 'bw-approver': 'approver', 'bw-analyst': 'analyst' } },
      groups: { claim: 'groups' },
      console: { ...CONSOLE_CLIENT, scope: 'openid email' },
    };
    gateway = await startGateway({ bus: busThat(store.answer).bus, issuers: [issuer] });
  }, 60_000);
  afterAll(async () => {
    await gateway.close();
    await provider.stop();
  });
  beforeEach(() => store.sessions.clear());

  async function get(path: string, cookie?: string) {
    const headers: Record<string, string> = cookie === undefined ? {} : { cookie };
    const response = await fetch(`http://127.0.0.1:${gateway.port}${path}`, { redirect: 'manual', headers });
    const [set] = response.headers.getSetCookie();
    return {
      status: response.status,
      location: response.headers.get('location') ?? '',
      cookie: set?.split(';')[0] ?? '',
      body: response.status === 302 ? undefined : await response.json(),
    };
  }
  const start = () => get('/v1/session/sign-in?return_to=/console/approvals');
  /** Signs in at the provider; returns the path and query with which the browser comes back. */
  const signIn = async ({ location }: { location: string }, who: string): Promise<string> =>
    (await provider.signIn(location, who, CALLBACK)).slice(ISSUER.length);

  it('starts a session of the person, with the roles and groups of their claims, in the browser that started it', async () => {
    const started = await start();
    const back = await signIn(started, 'ada');
    const elsewhere = await get(back, (await start()).cookie);
    expect(elsewhere.location).toContain('#sign_in_error=');
    const done = await get(back, started.cookie);
    expect([done.status, done.location]).toEqual([302, '/console/approvals']);
    expect((await get('/v1/session', done.cookie)).body).toMatchObject({
      who: { kind: 'person', name: 'user:ada@example.com' },
      roles: expect.arrayContaining(['approver', 'analyst']),
    });
    expect([...store.sessions.values()]).toMatchObject([{ holder: { groups: ['finance'] } }]);
  });

  it('takes a code once: the provider refuses it the second time', async () => {
    const started = await start();
    const back = await signIn(started, 'ada');
    expect((await get(back, started.cookie)).location).toBe('/console/approvals');
    store.sessions.clear();
    expect((await get(back, started.cookie)).location).toContain('#sign_in_error=');
    expect(store.sessions.size).toBe(0);
  });

  it('takes no code of another sign-in, for which its verifier is not the right one', async () => {
    const [ada, bob] = [await start(), await start()];
    const [ofAda, ofBob] = [await signIn(ada, 'ada'), await signIn(bob, 'bob')].map(
      (back) => new URL(back, ISSUER).searchParams,
    ) as [URLSearchParams, URLSearchParams];
    const mixed = new URLSearchParams({
      code: ofAda.get('code') ?? '',
      state: ofBob.get('state') ?? '',
      iss: provider.url,
    });
    expect((await get(`/v1/session/callback?${mixed.toString()}`, bob.cookie)).location).toContain('#sign_in_error=');
    expect(store.sessions.size).toBe(0);
  });

  it('gives a person without a role a session that may do nothing but what is theirs', async () => {
    const started = await start();
    const done = await get(await signIn(started, 'bob'), started.cookie);
    expect((await get('/v1/session', done.cookie)).body).toMatchObject({ roles: [] });
    expect((await get('/v1/runs', done.cookie)).status).toBe(403);
  });
});
