import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import { canonicalDigest } from '@bailiwick/core/digest';
import { expressGuard, fastifyGuard, type GuardedRequest } from './action-guards';
import { ActionTokenError, ActionTokens, type ActionTokenOptions, type ExpectedCall } from './action-tokens';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const SECONDS = NOW / 1_000;
const ISSUER = 'https://bailiwick.example';
const AUDIENCE = 'https://shop.example';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid, alg: 'EdDSA', use: 'sig' });
const JWKS = { keys: [jwkOf(publicKey, 'one')] };
const ARGS = { to: 'shop-7', amount: 49 };
const CALL: ExpectedCall = { verb: 'payment.make', resource: { type: 'account', id: 'shop-7' }, args: ARGS };

const CLAIMS: JWTPayload = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'user:ada@example.com',
  act: { sub: 'run_0_1' },
  jti: 'act_0_1',
  iat: SECONDS,
  exp: SECONDS + 30,
  use_until: SECONDS + 600,
  tenant: 'default',
  tree: 'tre_0_1',
  grant: 'grt_0_1',
  purpose: 'Order one keyboard',
  action: { verb: 'payment.make', argsDigest: canonicalDigest(ARGS) },
  resource: { type: 'account', id: 'shop-7' },
};
const sign = (
  changed: JWTPayload = {},
  header: Record<string, unknown> = {},
  key: KeyObject | Uint8Array = privateKey,
): Promise<string> =>
  new SignJWT({ ...CLAIMS, ...changed })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'bailiwick-action+jwt', kid: 'one', ...header })
    .sign(key);

describe('ActionTokens', () => {
  let clock: number;
  beforeEach(() => (clock = NOW));
  const start = (more: Partial<ActionTokenOptions> = {}): ActionTokens =>
    new ActionTokens({ issuer: ISSUER, audience: AUDIENCE, jwks: JWKS, now: () => clock, ...more });
  const outcomeOf = async (tokens: ActionTokens, token: string | undefined, call = CALL): Promise<string> =>
    tokens.accept(token, call).then(
      () => 'accepted',
      (error: unknown) => (error instanceof ActionTokenError ? `${error.status} ${error.code}` : String(error)),
    );

  it('accepts the token of a call once, and returns its claims', async () => {
    const tokens = start();
    const token = await sign();
    const claims = await tokens.accept(token, CALL);
    expect(claims).toMatchObject({ sub: 'user:ada@example.com', purpose: 'Order one keyboard', jti: 'act_0_1' });
    expect(await outcomeOf(tokens, token)).toBe('403 used');
  });

  it('refuses a second token of the same permit until the permit has ended', async () => {
    const tokens = start();
    await tokens.accept(await sign(), CALL);
    clock += 599_000;
    const again = await sign({ iat: SECONDS + 599, exp: SECONDS + 600 });
    expect(await outcomeOf(tokens, again)).toBe('403 used');
  });

  it.each<[string, () => Promise<string | undefined>]>([
    ['no token', () => Promise.resolve(undefined)],
    ['a token of another audience', () => sign({ aud: 'https://bank.example' })],
    ['a token of several audiences', () => sign({ aud: [AUDIENCE, 'https://bank.example'] })],
    ['a token of another issuer', () => sign({ iss: 'https://evil.example' })],
    ['an expired token', () => sign({ exp: SECONDS - 6 })],
    ['a token without an end', () => sign({ exp: undefined })],
    ['a token without the end of its permit', () => sign({ use_until: undefined })],
    ['a grant token', () => sign({}, { typ: 'at+jwt' })],
    ['a token without a type', () => sign({}, { typ: undefined })],
    ['a token by another key', () => sign({}, {}, other.privateKey)],
    [
      'a token by another key that it brings along',
      () => sign({}, { jwk: jwkOf(other.publicKey, 'one') }, other.privateKey),
    ],
    ['a token with the kid of no key', () => sign({}, { kid: 'two' })],
    ['a token with a shared secret', () => sign({}, { alg: 'HS256' }, Buffer.from(JWKS.keys[0]?.x ?? '', 'base64url'))],
    ['an unsigned token', async () => (await sign()).replace(/[^.]+$/, '')],
  ])('answers 401 to %s', async (_what, make) => {
    expect(await outcomeOf(start(), await make())).toMatch(/^401 /);
  });

  it.each<[string, Partial<ExpectedCall>]>([
    ['another action', { verb: 'payment.refund' }],
    ['another resource', { resource: { type: 'account', id: 'shop-8' } }],
    ['another type of resource', { resource: { type: 'card' } }],
    ['other arguments', { args: { ...ARGS, amount: 4_900 } }],
    ['no arguments', { args: {} }],
  ])('answers 403 to the token of %s, and does not use it up', async (_what, changed) => {
    const tokens = start();
    const token = await sign();
    expect(await outcomeOf(tokens, token, { ...CALL, ...changed })).toBe('403 another_call');
    expect(await outcomeOf(tokens, token)).toBe('accepted');
  });

  it('refuses arguments that the permit does not state', async () => {
    const token = await sign({ action: { verb: 'payment.make' } });
    expect(await outcomeOf(start(), token)).toBe('403 another_call');
    const { args: _, ...bare } = CALL;
    expect(await outcomeOf(start(), token, bare)).toBe('accepted');
  });

  it('forgets no used token when its memory is full, and refuses further ones until permits have ended', async () => {
    const tokens = start({ remembered: 2 });
    const [one, two, three] = await Promise.all(['1', '2', '3'].map((jti) => sign({ jti })));
    expect([await outcomeOf(tokens, one), await outcomeOf(tokens, two)]).toEqual(['accepted', 'accepted']);
    expect(await outcomeOf(tokens, three)).toBe('503 busy');
    expect(await outcomeOf(tokens, one)).toBe('403 used');
    clock += 606_000;
    const later = await sign({ jti: '4', iat: SECONDS + 606, exp: SECONDS + 630, use_until: SECONDS + 1_200 });
    expect(await outcomeOf(tokens, later)).toBe('accepted');
  });

  it('asks the memory that processes share, if there is one', async () => {
    const seen = new Set<string>();
    const used = (jti: string): Promise<boolean> => Promise.resolve(!seen.has(jti) && Boolean(seen.add(jti)));
    const token = await sign();
    expect(await outcomeOf(start({ used }), token)).toBe('accepted');
    expect(await outcomeOf(start({ used }), token)).toBe('403 used');
  });

  it('guards a route of Express and of Fastify, by either header', async () => {
    const call = (): ExpectedCall => CALL;
    const request = async (name: string, jti: string): Promise<GuardedRequest> => ({
      headers: { [name]: `${name === 'authorization' ? 'Bearer ' : ''}${await sign({ jti })}` },
    });
    const tokens = start();
    const answers: unknown[] = [];
    const response = { status: (code: number) => ({ json: (body: unknown) => answers.push([code, body]) }) };
    const good = await request('authorization', 'a');
    await new Promise<void>((next) => expressGuard(tokens, call)(good, response, () => next()));
    expect(good.action?.sub).toBe('user:ada@example.com');
    await new Promise<void>((done) => {
      const failing = {
        status: (code: number) => ({ json: (body: unknown) => done(void answers.push([code, body])) }),
      };
      expressGuard(tokens, call)(good, failing, () => done(void answers.push('next')));
    });
    const reply = { code: (code: number) => ({ send: (body: unknown) => answers.push([code, body]) }) };
    await fastifyGuard(tokens, call)(await request('bailiwick-action-token', 'b'), reply);
    await fastifyGuard(tokens, call)({ headers: {} }, reply);
    expect(answers).toEqual([
      [403, { error: 'used', detail: 'the token was used before' }],
      [401, { error: 'missing', detail: 'send the token of the call' }],
    ]);
  });
});
