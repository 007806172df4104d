import { createSecretKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { exportJWK, exportSPKI, SignJWT, type JWTPayload } from 'jose';
import { clientJwks, type ClientJwks } from '@bailiwick/contracts/keys/client-keys';
import { ProofMemory } from '@bailiwick/core/proof-memory';
import type { ApiKeys, KeyHolder } from '../auth/api-keys';
import { Proofs } from '@bailiwick/edge/tokens/dpop-proofs';
import type { GrantTokens } from '../auth/grant-tokens';
import type { Pseudonyms } from '../auth/pseudonyms';
import { ASSERTION_TYPE, ClientAssertions } from './client-assertions';
import { Form } from './form';

const ISSUER = 'https://bailiwick.example';
const ID = `key_${'a'.repeat(26)}`;
const OTHER = `key_${'b'.repeat(26)}`;

interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}
const [first, second, stranger] = [1, 2, 3].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' })) as [
  Pair,
  Pair,
  Pair,
];
const jwk = async ({ publicKey }: Pair, kid: string) => ({ ...(await exportJWK(publicKey)), kid });

/** Two gateways that share the memory of the owner, which it has had since then. */
async function gateways(keys?: ClientJwks, since?: number): Promise<ClientAssertions[]> {
  const jwks = keys ?? clientJwks.parse({ keys: [await jwk(first, 'one'), await jwk(second, 'two')] });
  const holders = new Map<string, KeyHolder>([
    [ID, { tenant: 'default', role: 'orchestrator', id: ID, name: 'ci', jwks }],
    [
      OTHER,
      {
        tenant: 'default',
        role: 'admin',
        id: OTHER,
        name: 'root',
        jwks: clientJwks.parse({ keys: [await jwk(stranger, 'one')] }),
      },
    ],
  ]);
  const memory = new ProofMemory(() => Date.now());
  const port = (tenant: string, use: Parameters<ConstructorParameters<typeof Proofs>[2]>[1]) =>
    Promise.resolve({
      verdict: use ? memory.take({ tenant, ...use, hasNonce: false }, since) : ('nonce' as const),
      epoch: 'e',
    });
  return [1, 2].map(() => {
    const proofs = new Proofs(() => Date.now(), Buffer.alloc(32), port, { alwaysNonce: true });
    const tokens = { issuer: ISSUER, takeOnce: proofs.takeOnce.bind(proofs) } as unknown as GrantTokens;
    const found = { findClient: (id: string) => Promise.resolve(holders.get(id)) } as unknown as ApiKeys;
    return new ClientAssertions(found, tokens, {} as Pseudonyms);
  });
}

const now = () => Math.floor(Date.now() / 1_000);
const valid = (): JWTPayload => ({ iss: ID, sub: ID, aud: ISSUER, jti: randomUUID(), iat: now(), exp: now() + 60 });
const sign = (claims: JWTPayload, header: object = {}, key: KeyObject = first.privateKey): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign(key);
const form = (assertion: string, more: Record<string, string> = {}) =>
  Form.parse(
    new URLSearchParams({ client_assertion_type: ASSERTION_TYPE, client_assertion: assertion, ...more }).toString(),
    'application/x-www-form-urlencoded',
  );
const refused = async (assertion: string, more?: Record<string, string>) => {
  const [gateway] = await gateways();
  return gateway?.authenticate(form(assertion, more)).then(
    () => 'accepted',
    (error: unknown) => `${String((error as { error?: string }).error)}: ${(error as Error).message}`,
  );
};

describe('a client assertion', () => {
  it('authenticates the key whose public keys verify it, for the issuer or its token endpoint', async () => {
    const [gateway] = await gateways();
    for (const aud of [ISSUER, `${ISSUER}/oauth/token`, [ISSUER]]) {
      const caller = await gateway?.authenticate(form(await sign({ ...valid(), aud }), { client_id: ID }));
      expect(caller).toMatchObject({
        kind: 'key',
        tenant: 'default',
        roles: ['orchestrator'],
        actor: { id: 'key:ci', via: ID },
      });
    }
    await gateway?.authenticate(form(await sign(valid(), { kid: 'two' }, second.privateKey)));
  });

  it('is accepted once at all gateways, also where proofs always need a nonce', async () => {
    const [one, two] = await gateways();
    const assertion = await sign(valid());
    await one?.authenticate(form(assertion));
    for (const gateway of [one, two])
      await expect(gateway?.authenticate(form(assertion))).rejects.toThrow('used before');
  });

  it('is refused for a moment if the previous owner of the log may have accepted it', async () => {
    const [gateway] = await gateways(undefined, Date.now());
    await expect(gateway?.authenticate(form(await sign(valid())))).rejects.toMatchObject({
      code: 'NOT_READY',
      message: expect.stringContaining('send a new one') as string,
    });
  });

  it.each<[string, (claims: JWTPayload) => JWTPayload]>([
    ['another audience', (claims) => ({ ...claims, aud: 'https://other.example' })],
    ['several audiences', (claims) => ({ ...claims, aud: [ISSUER, 'https://other.example'] })],
    ['a longer audience', (claims) => ({ ...claims, aud: `${ISSUER}/oauth/token/` })],
    ['no audience', ({ aud: _, ...claims }) => claims],
    ['no end', ({ exp: _, ...claims }) => claims],
    ['no jti', ({ jti: _, ...claims }) => claims],
    ['no iat', ({ iat: _, ...claims }) => claims],
    ['an end in the past', (claims) => ({ ...claims, exp: now() - 60 })],
    ['a life of an hour', (claims) => ({ ...claims, exp: now() + 3_600 })],
    ['an iat of long ago', (claims) => ({ ...claims, iat: now() - 120 })],
    ['an iat in the future', (claims) => ({ ...claims, iat: now() + 120 })],
    ['another subject', (claims) => ({ ...claims, sub: OTHER })],
    ['another client', (claims) => ({ ...claims, iss: OTHER, sub: OTHER })],
    ['a name in place of the id', (claims) => ({ ...claims, iss: 'ci', sub: 'ci' })],
  ])('with %s is refused', async (_what, changed) => {
    expect(await refused(await sign(changed(valid())))).toMatch(/^invalid_client: /);
  });

  it('is refused under another algorithm, key or type', async () => {
    const unsigned = (header: object) =>
      `${[header, valid()].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
    const asSecret = createSecretKey(Buffer.from(await exportSPKI(first.publicKey)));
    for (const assertion of [
      unsigned({ alg: 'none' }),
      unsigned({ alg: 'none', kid: 'one' }),
      await sign(valid(), { alg: 'HS256' }, asSecret),
      await sign(valid(), { kid: 'two' }),
      await sign(valid(), { kid: 'three' }),
      await sign(valid(), { kid: undefined }),
      await sign(valid(), {}, stranger.privateKey),
      await sign(valid(), { jwk: await jwk(stranger, 'one') }, stranger.privateKey),
      await sign(valid(), { typ: 'at+jwt' }),
      await sign(valid(), { typ: 'dpop+jwt' }),
      'eyJ.no.token',
    ])
      expect(await refused(assertion)).toMatch(/^invalid_client: /);
  });

  it('is refused with another client_id, and without its type', async () => {
    expect(await refused(await sign(valid()), { client_id: OTHER })).toMatch(/^invalid_client: /);
    expect(await refused(await sign(valid()), { client_assertion_type: 'other' })).toMatch(/^invalid_client: /);
  });
});

describe('the public keys of a client', () => {
  it('are public, asymmetric, long enough, and have different kids', async () => {
    const one = await jwk(first, 'one');
    const isValid = (...keys: object[]) => clientJwks.safeParse({ keys }).success;
    expect(isValid(one, await jwk(second, 'two'))).toBe(true);
    const short = { ...(await exportJWK(generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey)), kid: 'r' };
    for (const wrong of [
      [],
      [one, one],
      [{ ...one, kid: undefined }],
      [{ ...one, d: 'AAAA' }],
      [{ kty: 'oct', k: 'AAAA', kid: 'o' }],
      [{ ...one, use: 'enc' }],
      [{ ...one, alg: 'HS256' }],
      [short],
    ])
      expect(isValid(...wrong)).toBe(false);
    const long = { ...(await exportJWK(generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey)), kid: 'r' };
    expect(isValid(long)).toBe(true);
  });
});
