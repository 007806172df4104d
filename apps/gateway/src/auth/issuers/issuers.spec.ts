import { createHmac } from 'node:crypto';
import { exportJWK, type JWTPayload } from 'jose';
import { LIMITS } from '@bailiwick/core/limits';
import { NOW, refusalOf } from '../../testing/tokens';
import { signingKey, TestIssuer, type SigningKey } from '../../testing/issuer';
import { digestOf } from '../secrets';
import { People } from '../people-tokens';
import { checkedIssuers } from './issuer-config';
import { Issuers } from './issuers';
import { signedIn } from './people';

const OWN = 'https://bailiwick.example';
const AUDIENCE = 'https://bailiwick.example/api';
const seconds = NOW / 1_000;

let keyA: SigningKey;
let keyB: SigningKey;
let stranger: SigningKey;
let a: TestIssuer;
let b: TestIssuer;
let now: number;

beforeAll(() => {
  [keyA, keyB, stranger] = ['a1', 'b1', 'a1'].map(signingKey) as [SigningKey, SigningKey, SigningKey];
});
beforeEach(async () => {
  now = NOW;
  [a, b] = [await TestIssuer.start(keyA), await TestIssuer.start(keyB)];
});
afterEach(() => Promise.all([a.stop(), b.stop()]));

const config = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  issuer: a.url,
  audience: AUDIENCE,
  person: { claim: 'email' },
  roles: {
    claim: ['realm_access', 'roles'],
    values: { 'bw-approver': 'approver', 'bw-both': ['analyst', 'approver'] },
  },
  groups: { claim: 'groups' },
  ...more,
});
const second = (): Record<string, unknown> => ({ issuer: b.url, audience: AUDIENCE, person: { prefix: 'partner:' } });
const issuers = (more: Record<string, unknown> = {}): Issuers =>
  new Issuers(checkedIssuers({ issuers: [config(more), second()] }, OWN), () => now);
const claims = (changed: JWTPayload = {}): JWTPayload => ({
  iss: a.url,
  aud: AUDIENCE,
  sub: '42',
  email: 'ada@example.com',
  email_verified: true,
  realm_access: { roles: ['bw-approver', 'unknown', 'constructor'] },
  groups: ['finance'],
  iat: seconds,
  exp: seconds + 600,
  ...changed,
});
const without = (name: string): JWTPayload =>
  Object.fromEntries(Object.entries(claims()).filter(([key]) => key !== name));
const personIn = async (token: string, of = issuers()) => signedIn(await of.verify(token));
const refused = async (token: string, of = issuers()): Promise<string> => {
  const { code, detail } = await refusalOf(personIn(token, of));
  return `${code} ${detail}`;
};

describe('Issuers with a valid token', () => {
  it('read person, tenant, roles and groups by the configuration', async () => {
    expect(await personIn(await a.sign(claims()))).toEqual({
      tenant: 'default',
      person: 'user:ada@example.com',
      roles: ['approver'],
      groups: ['finance'],
      via: a.url,
      expiresAt: NOW + 630_000,
    });
  });

  it('give no role and no group that is not configured', async () => {
    const bare = new Issuers(checkedIssuers({ issuers: [second()] }, OWN), () => now);
    const token = await b.sign({ ...claims(), iss: b.url });
    expect(await personIn(token, bare)).toMatchObject({ person: 'partner:42', roles: [], groups: [] });
  });

  it.each(['at+jwt', 'application/at+jwt', 'JWT', undefined])('accept the type %s', async (typ) => {
    await expect(personIn(await a.sign(claims(), { typ }))).resolves.toBeDefined();
  });

  it('accept a token within the difference of the clocks', async () => {
    await expect(personIn(await a.sign(claims({ exp: seconds - 29, iat: seconds - 60 })))).resolves.toBeDefined();
    await expect(personIn(await a.sign(claims({ nbf: seconds + 30, iat: seconds + 30 })))).resolves.toBeDefined();
  });

  it('read the tenant from a claim that the configuration maps', async () => {
    const of = issuers({ tenant: { claim: 'tid', values: { 'guid-1': 'acme' } } });
    expect((await personIn(await a.sign(claims({ tid: 'guid-1' })), of)).tenant).toBe('acme');
    for (const tid of ['guid-2', 'constructor', ['guid-1'], undefined])
      expect(await refused(await a.sign(claims({ tid })), of)).toMatch(/UNAUTHENTICATED .*no tenant/);
  });

  it('name those whose people may have access to a tenant', () => {
    const both = issuers({ tenant: { claim: 'org', values: { acme: 'acme', base: 'default' } } });
    expect(['default', 'acme', 'other'].map((tenant) => both.ofTenant(tenant))).toEqual([[a.url, b.url], [a.url], []]);
  });

  it('fetch the keys once for many tokens', async () => {
    const of = issuers();
    for (let i = 0; i < 3; i++) await personIn(await a.sign(claims({ jti: String(i) })), of);
    expect(a.requests).toEqual(['/.well-known/openid-configuration', '/jwks']);
  });
});

describe('Issuers refuse', () => {
  const unsigned = (header: object, payload: JWTPayload): string =>
    [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');

  it('a token of an issuer that is not configured, without fetching anything', async () => {
    for (const iss of ['https://evil.example', `${a.url}/`, a.url.toUpperCase(), undefined, '__proto__'])
      expect(await refused(await a.sign(claims({ iss })))).toMatch(/not configured/);
    expect(a.requests).toEqual([]);
  });

  it('a token of one configured issuer in the name of another', async () => {
    expect(await refused(await b.sign(claims(), {}, keyB))).toMatch(/^UNAUTHENTICATED/);
    expect(await refused(await a.sign({ ...claims(), iss: b.url }, { kid: 'b1' }, keyA))).toMatch(/^UNAUTHENTICATED/);
  });

  it('metadata and keys of another issuer', async () => {
    a.answers.set('/.well-known/openid-configuration', {
      body: JSON.stringify({ issuer: b.url, jwks_uri: `${b.url}/jwks` }),
    });
    expect(await refused(await a.sign(claims()))).toMatch(/^NOT_READY .*its metadata is of/);
    expect(b.requests).toEqual([]);
  });

  it.each([
    ['for another audience', () => claims({ aud: 'https://other.example' })],
    ['for an audience that starts like ours', () => claims({ aud: `${AUDIENCE}/x` })],
    ['without an audience', () => without('aud')],
    ['that has expired', () => claims({ exp: seconds - 31, iat: seconds - 600 })],
    ['without an end', () => without('exp')],
    ['without a start', () => without('iat')],
    ['without a subject', () => without('sub')],
    ['that is not yet valid', () => claims({ nbf: seconds + 31 })],
    ['issued in the future', () => claims({ iat: seconds + 31, exp: seconds + 600 })],
    ['that lives for years', () => claims({ exp: seconds + 90_000 })],
    ['that is bound to a key', () => claims({ cnf: { jkt: 'x' } })],
    ['of an unverified address', () => claims({ email_verified: false })],
    ['of an address with a text for a flag', () => claims({ email_verified: 'true' })],
    ['without the claim of the person', () => without('email')],
    ['with a person that is no text', () => claims({ email: ['ada@example.com'] })],
    ['with a person that has a control character', () => claims({ email: 'ada\n@example.com' })],
    ['with too many groups', () => claims({ groups: Array.from({ length: 65 }, (_, i) => `g${i}`) })],
    [
      'with groups that are too long together',
      () => claims({ groups: Array.from({ length: 10 }, (_, i) => `${i}`.repeat(199)) }),
    ],
  ])('a token %s', async (_what, payload) => {
    expect(await refused(await a.sign(payload()))).toMatch(/^UNAUTHENTICATED/);
  });

  it.each(['logout+jwt', 'dpop+jwt', 'secevent+jwt', 'oauth-id-jag+jwt', 'application/oauth-id-jag+jwt', 'x'])(
    'a token of the type %s, which has another purpose',
    async (typ) => expect(await refused(await a.sign(claims(), { typ }))).toMatch(/another purpose/),
  );

  it('a token without a signature, under any spelling of none', async () => {
    for (const alg of ['none', 'None', 'NONE'])
      for (const signature of ['', 'AAAA'])
        expect(await refused(`${unsigned({ alg, kid: 'a1', typ: 'JWT' }, claims())}.${signature}`)).toMatch(/^UNAUTH/);
  });

  it('a token signed with the public key as a shared secret', async () => {
    const secrets = [
      keyA.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      JSON.stringify(await exportJWK(keyA.publicKey)),
    ];
    for (const secret of secrets) {
      const text = unsigned({ alg: 'HS256', kid: 'a1', typ: 'JWT' }, claims());
      const signature = createHmac('sha256', secret).update(text).digest('base64url');
      expect(await refused(`${text}.${signature}`)).toMatch(/^UNAUTHENTICATED/);
    }
  });

  it('a signature by another key of the same id, and keys that the token itself brings', async () => {
    const jwk = await exportJWK(stranger.publicKey);
    for (const header of [
      {},
      { jwk },
      { jku: `${b.url}/jwks` },
      { x5u: b.url },
      { kid: `${b.url}/jwks` },
      { kid: '../../b1' },
    ])
      expect(await refused(await a.sign(claims(), header, stranger))).toMatch(/^UNAUTHENTICATED/);
    expect(b.requests).toEqual([]);
  });

  it('an algorithm that the configuration does not list', async () => {
    expect(await refused(await a.sign(claims(), { alg: 'RS512' }))).toMatch(/^UNAUTHENTICATED/);
  });

  it('a token whose claims were changed', async () => {
    const [head, , signature] = (await a.sign(claims())).split('.');
    const changed = Buffer.from(JSON.stringify(claims({ email: 'eve@example.com' }))).toString('base64url');
    expect(await refused(`${head}.${changed}.${signature}`)).toMatch(/^UNAUTHENTICATED/);
  });

  it('a token of a client that is not configured, or of several', async () => {
    const of = issuers({ clients: ['cli'] });
    for (const ok of [{ azp: 'cli' }, { client_id: 'cli' }, { cid: 'cli' }, { appid: 'cli', azp: 'cli' }])
      await expect(personIn(await a.sign(claims(ok)), of)).resolves.toBeDefined();
    for (const bad of [{}, { azp: 'other' }, { azp: 'cli', client_id: 'other' }, { azp: ['cli'] }])
      expect(await refused(await a.sign(claims(bad)), of)).toMatch(/client/);
  });

  it('an address in a domain that the configuration does not list', async () => {
    const of = issuers({ person: { claim: 'email', domains: ['example.com'] } });
    await expect(personIn(await a.sign(claims()), of)).resolves.toBeDefined();
    for (const email of ['ada@evil.example', 'ada@sub.example.com', 'ada', 'ada@evil.example@example.com'])
      expect(await refused(await a.sign(claims({ email })), of)).toMatch(/^UNAUTHENTICATED/);
  });
});

describe('the keys of an issuer', () => {
  it('are fetched again for a new key, and not for each made-up one', async () => {
    const of = issuers();
    await personIn(await a.sign(claims()), of);
    const fresh = signingKey('a2');
    a.keys = [fresh];
    jest.useFakeTimers({
      now: Date.now() + LIMITS.issuers.refetchMs + 1,
      doNotFake: [
        'setTimeout',
        'setImmediate',
        'nextTick',
        'queueMicrotask',
        'clearTimeout',
        'clearImmediate',
        'setInterval',
        'clearInterval',
        'performance',
      ],
    });
    try {
      await expect(personIn(await a.sign(claims()), of)).resolves.toBeDefined();
      for (let i = 0; i < 5; i++)
        expect(await refused(await a.sign(claims(), { kid: `made-up-${i}` }, stranger), of)).toMatch(
          /^UNAUTHENTICATED/,
        );
    } finally {
      jest.useRealTimers();
    }
    expect(a.requests.filter((url) => url === '/jwks')).toHaveLength(2);
    // the withdrawn key counts no more
    expect(await refused(await a.sign(claims(), {}, keyA), of)).toMatch(/^UNAUTHENTICATED/);
  });

  it.each([
    ['fails', { status: 500, body: '{}' }],
    ['redirects', { status: 302, location: '/jwks2' }],
    ['responds with something else', { body: '<html>' }],
    ['responds with JSON that is no key set', { body: '{"maintenance":true}' }],
    ['responds without an end', { body: `{"keys":[],"x":"${'x'.repeat(LIMITS.issuers.documentBytes)}"}` }],
  ])(
    'are in doubt while the issuer %s: the token is not accepted, and the issuer is not asked again at once',
    async (_what, answer) => {
      a.answers.set('/jwks', answer);
      const of = issuers();
      for (let i = 0; i < 5; i++)
        expect(await refused(await a.sign(claims({ jti: `${i}` })), of)).toMatch(/^NOT_READY/);
      expect(a.requests).toEqual(['/.well-known/openid-configuration', '/jwks']);
      a.answers.clear();
      now += LIMITS.issuers.refetchMs;
      const late = claims({ exp: now / 1_000 + 60 });
      await expect(personIn(await a.sign(late), of)).resolves.toBeDefined();
    },
  );

  it('are not read from an address without TLS', async () => {
    a.answers.set('/.well-known/openid-configuration', {
      body: JSON.stringify({ issuer: a.url, jwks_uri: 'http://keys.example/jwks' }),
    });
    expect(await refused(await a.sign(claims()))).toMatch(/^NOT_READY .*https/);
  });
});

describe('People', () => {
  it('remember a verified token for a minute, and never beyond its end', async () => {
    const people = new People(issuers(), () => now);
    const token = await a.sign(claims({ exp: seconds + 40 }));
    const digest = digestOf(token);
    expect(people.issued(token, digest)).toBe(true);
    await people.signedIn(token, digest);
    now += 69_000;
    expect((await people.signedIn(token, digest)).person).toBe('user:ada@example.com');
    now += 2_000;
    expect((await refusalOf(people.signedIn(token, digest))).code).toBe('UNAUTHENTICATED');
  });

  it('leave every other token to the verification of grant tokens', async () => {
    const people = new People(issuers(), () => now);
    for (const token of [await a.sign(claims({ iss: OWN })), 'eyJ', 'eyJhbGciOiJub25lIn0.e30.', 'eyJ.eyJ.x'])
      expect(people.issued(token, digestOf(token))).toBe(false);
  });
});

describe('checkedIssuers', () => {
  const problem = (...all: Record<string, unknown>[]): string => {
    try {
      checkedIssuers({ issuers: all }, OWN);
      return 'none';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const one = { issuer: 'https://login.example.com', audience: 'x' };

  it.each<[string, Record<string, unknown>]>([
    ['plain http', { issuer: 'http://login.example.com' }],
    ['an unknown member', { rolez: {} }],
    ['an unknown role', { roles: { claim: 'roles', values: { x: 'root' } } }],
    ['no audience', { audience: [] }],
    ['a shared secret', { algorithms: ['HS256'] }],
    ['no signature', { algorithms: ['none'] }],
    ['credentials in the address', { issuer: 'https://user:secret@login.example.com' }],
    ['this installation', { issuer: OWN }],
  ])('refuses %s', (_what, more) => expect(problem({ ...one, ...more })).toMatch(/^issuers.json: /));

  it('refuses two issuers that could name the same person', () => {
    const other = { ...one, issuer: 'https://other.example.com' };
    expect(problem(one, one)).toMatch(/twice/);
    expect(problem(one, other)).toMatch(/same person/);
    expect(problem(one, { ...other, person: { prefix: 'user:x-' } })).toMatch(/same person/);
    expect(problem(one, { ...other, person: { prefix: 'partner:' } })).toBe('none');
    const of = (...domains: string[]) => ({ person: { claim: 'email', domains } });
    expect(problem({ ...one, ...of('a.example') }, { ...other, ...of('b.example') })).toBe('none');
    expect(problem({ ...one, ...of('a.example') }, { ...other, ...of('b.example', 'a.example') })).toMatch(
      /same person/,
    );
  });
});
