import { generateKeyPairSync, sign } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import {
  claims,
  granted,
  GRANT_ID,
  ISSUER,
  NOW,
  PARENT_ID,
  PUBLIC_KEY,
  refusalOf,
  RUN_ID,
  signed,
  SIGNING_KEY,
  tokensAt,
  TREE_ID,
} from '../testing/tokens';

const HOUR = 3_600_000;
const JKT = 'a'.repeat(43);

describe('GrantTokens.mint', () => {
  it('makes an EdDSA access token with the claims of the grant', async () => {
    const token = await tokensAt({ now: NOW }).mint('default', ...granted());
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', typ: 'at+jwt' });
    expect(decodeJwt(token)).toEqual({
      iss: ISSUER,
      aud: ISSUER,
      sub: RUN_ID,
      jti: GRANT_ID,
      tenant: 'default',
      grant: GRANT_ID,
      tree: TREE_ID,
      iat: NOW / 1_000,
      exp: (NOW + HOUR) / 1_000,
    });
    await expect(jwtVerify(token, PUBLIC_KEY, { currentDate: new Date(NOW) })).resolves.toBeDefined();
  });

  it('leaves the former token of a renewed lease its own end', async () => {
    const clock = { now: NOW };
    const tokens = tokensAt(clock);
    const former = await tokens.mint('default', ...granted({ ttlMs: HOUR }));
    const renewed = await tokens.mint('default', ...granted({ ttlMs: 2 * HOUR }));
    expect((await tokens.verify(former)).grantId).toBe((await tokens.verify(renewed)).grantId);
    clock.now = NOW + HOUR;
    await expect(tokens.verify(former)).rejects.toThrow('not valid');
    expect((await tokens.verify(renewed)).grantId).toBe(GRANT_ID);
  });

  it('names the delegating run in act and the bound key in cnf', async () => {
    const token = await tokensAt({ now: NOW }).mint('default', ...granted({ parentRunId: PARENT_ID, jkt: JKT }));
    expect(decodeJwt(token)).toMatchObject({ act: { sub: PARENT_ID }, cnf: { jkt: JKT } });
  });

  it('omits act without a delegating run and cnf without a bound key', async () => {
    const payload = decodeJwt(await tokensAt({ now: NOW }).mint('default', ...granted()));
    expect(payload).not.toHaveProperty('act');
    expect(payload).not.toHaveProperty('cnf');
  });

  it('makes the same token each time for a grant, so that a retry returns the first response', async () => {
    const one = await tokensAt({ now: NOW }).mint('default', ...granted());
    const two = await tokensAt({ now: NOW + 60_000 }).mint('default', ...granted());
    expect(two).toBe(one);
  });

  it('makes a token that ends with its grant or up to a second later', async () => {
    const token = await tokensAt({ now: NOW }).mint('default', ...granted({ ttlMs: 1_500 }));
    expect(decodeJwt(token).exp).toBe(NOW / 1_000 + 2);
  });

  it('makes a token from which verify reads tenant, run, grant and key', async () => {
    const tokens = tokensAt({ now: NOW });
    const token = await tokens.mint('acme', ...granted({ jkt: JKT }));
    const expected = { tenant: 'acme', runId: RUN_ID, grantId: GRANT_ID, jkt: JKT, expiresAt: NOW + HOUR };
    expect(await tokens.verify(token)).toEqual(expected);
    expect(await tokens.verify(token)).toEqual(expected);
  });
});

describe('GrantTokens.verify', () => {
  const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = (alg: string): string => `${base64({ alg, typ: 'at+jwt' })}.${base64(claims())}.`;
  const other = generateKeyPairSync('ed25519').privateKey;
  const publicBytes = {
    pem: Buffer.from(PUBLIC_KEY.export({ type: 'spki', format: 'pem' }).toString()),
    der: PUBLIC_KEY.export({ type: 'spki', format: 'der' }),
    raw: Buffer.from(PUBLIC_KEY.export({ format: 'jwk' }).x as string, 'base64url'),
  };
  const byHand = (header: object): string => {
    const text = `${base64(header)}.${base64(claims())}`;
    return `${text}.${sign(null, Buffer.from(text), SIGNING_KEY).toString('base64url')}`;
  };
  const seconds = NOW / 1_000;

  it.each<[string, () => string | Promise<string>]>([
    ['with alg none', () => unsigned('none')],
    ['with alg nOnE', () => unsigned('nOnE')],
    ['with another name of the algorithm', () => byHand({ alg: 'Ed25519', typ: 'at+jwt' })],
    ['without a signature', () => unsigned('EdDSA')],
    ['with HS256 under the public key as PEM', () => signed(claims(), publicBytes.pem, { alg: 'HS256' })],
    ['with HS256 under the public key as DER', () => signed(claims(), publicBytes.der, { alg: 'HS256' })],
    ['with HS256 under the bytes of the public key', () => signed(claims(), publicBytes.raw, { alg: 'HS256' })],
    ['by another key', () => signed(claims(), other)],
    [
      'by another key in its header',
      () => signed(claims(), other, { jwk: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) }),
    ],
    ['of another type', () => signed(claims(), undefined, { typ: 'dpop+jwt' })],
    ['without a type', () => signed(claims(), undefined, { typ: undefined })],
    ['with an extension that must be understood', () => byHand({ alg: 'EdDSA', typ: 'at+jwt', crit: ['x'], x: 1 })],
    ['from another issuer', () => signed(claims({ iss: 'https://evil.example' }))],
    ['for another audience', () => signed(claims({ aud: 'https://other.example' }))],
    ['for no audience', () => signed(claims({ aud: undefined }))],
    ['that has expired', () => signed(claims({ exp: seconds - 1 }))],
    ['that expires now', () => signed(claims({ exp: seconds }))],
    ['that never expires', () => signed(claims({ exp: undefined }))],
    ['that is not yet valid', () => signed(claims({ nbf: seconds + 60 }))],
    ['without a tenant', () => signed(claims({ tenant: undefined }))],
    ['without a grant', () => signed(claims({ grant: undefined }))],
    ['with a grant that is not a string', () => signed(claims({ grant: { $ne: '' } }))],
    ['without a run', () => signed(claims({ sub: undefined }))],
    ['with an empty run', () => signed(claims({ sub: '' }))],
    ['bound to an invalid thumbprint', () => signed(claims({ cnf: { jkt: 42 } }))],
    ['with an unknown kind of binding', () => signed(claims({ cnf: { 'x5t#S256': 'a'.repeat(43) } }))],
    ['that is truncated', () => 'eyJ'],
    ['with four parts', async () => `${await signed(claims())}.x`],
  ])('refuses a token %s', async (_case, make) => {
    const refused = await refusalOf(tokensAt({ now: NOW }).verify(await make()));
    expect(refused.code).toBe('UNAUTHENTICATED');
  });

  it('accepts the valid token from which the invalid ones derive', async () => {
    const valid = [await signed(claims()), byHand({ alg: 'EdDSA', typ: 'at+jwt' })];
    for (const token of valid)
      await expect(tokensAt({ now: NOW }).verify(token)).resolves.toMatchObject({ tenant: 'default', runId: RUN_ID });
  });

  it.each(['tenant', 'sub', 'grant', 'exp', 'iss', 'aud', 'cnf'])(
    'refuses a token whose %s was changed after signing',
    async (claim) => {
      const tokens = tokensAt({ now: NOW });
      const token = await signed(claims({ cnf: { jkt: JKT } }));
      await tokens.verify(token); // the cached result must not be used
      const [header, payload, signature] = token.split('.') as [string, string, string];
      const changed = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
      changed[claim] = claim === 'cnf' ? undefined : claim === 'exp' ? seconds + 9_999 : `${String(changed[claim])}x`;
      const refused = await refusalOf(tokens.verify(`${header}.${base64(changed)}.${signature}`));
      expect(refused.code).toBe('UNAUTHENTICATED');
    },
  );

  it('refuses an expired token although its verification is cached', async () => {
    const clock = { now: NOW };
    const tokens = tokensAt(clock);
    const token = await tokens.mint('default', ...granted());
    await tokens.verify(token);
    clock.now = NOW + HOUR - 1;
    await expect(tokens.verify(token)).resolves.toBeDefined();
    clock.now = NOW + HOUR;
    expect((await refusalOf(tokens.verify(token))).code).toBe('UNAUTHENTICATED');
  });

  it('repeats no part of the token in the refusal', async () => {
    const token = await signed(claims(), other);
    const { detail } = await refusalOf(tokensAt({ now: NOW }).verify(token));
    for (const part of token.split('.')) expect(detail).not.toContain(part);
  });
});
