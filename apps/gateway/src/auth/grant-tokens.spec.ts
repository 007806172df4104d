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

describe('a grant token', () => {
  it('is an EdDSA access token whose claims are those of its grant', async () => {
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

  it('names the run that delegated in act, and the key it is bound to in cnf', async () => {
    const token = await tokensAt({ now: NOW }).mint('default', ...granted({ parentRunId: PARENT_ID, jkt: JKT }));
    expect(decodeJwt(token)).toMatchObject({ act: { sub: PARENT_ID }, cnf: { jkt: JKT } });
  });

  it('has neither where nobody delegated and no key is bound', async () => {
    const told = decodeJwt(await tokensAt({ now: NOW }).mint('default', ...granted()));
    expect(told).not.toHaveProperty('act');
    expect(told).not.toHaveProperty('cnf');
  });

  it('is the same token each time for the same grant, so that a retry is told the first answer', async () => {
    const one = await tokensAt({ now: NOW }).mint('default', ...granted());
    const two = await tokensAt({ now: NOW + 60_000 }).mint('default', ...granted());
    expect(two).toBe(one);
  });

  it('never ends before its grant does, and at most a second after', async () => {
    const token = await tokensAt({ now: NOW }).mint('default', ...granted({ ttlMs: 1_500 }));
    expect(decodeJwt(token).exp).toBe(NOW / 1_000 + 2);
  });

  it('tells tenant, run, grant and key when it is verified', async () => {
    const tokens = tokensAt({ now: NOW });
    const token = await tokens.mint('acme', ...granted({ jkt: JKT }));
    const told = { tenant: 'acme', runId: RUN_ID, grantId: GRANT_ID, jkt: JKT, expiresAt: NOW + HOUR };
    expect(await tokens.verify(token)).toEqual(told);
    expect(await tokens.verify(token)).toEqual(told);
  });
});

describe('a token is refused', () => {
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
    ['with alg None, in other letters', () => unsigned('nOnE')],
    ['with another name of its algorithm than ours', () => byHand({ alg: 'Ed25519', typ: 'at+jwt' })],
    ['without a signature', () => unsigned('EdDSA')],
    ['with HS256 under the public key as PEM', () => signed(claims(), publicBytes.pem, { alg: 'HS256' })],
    ['with HS256 under the public key as DER', () => signed(claims(), publicBytes.der, { alg: 'HS256' })],
    ['with HS256 under the bytes of the public key', () => signed(claims(), publicBytes.raw, { alg: 'HS256' })],
    ['by another key', () => signed(claims(), other)],
    [
      'by another key that it brings along',
      () => signed(claims(), other, { jwk: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) }),
    ],
    ['that is no access token', () => signed(claims(), undefined, { typ: 'dpop+jwt' })],
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
    ['with a grant that is no text', () => signed(claims({ grant: { $ne: '' } }))],
    ['without a run', () => signed(claims({ sub: undefined }))],
    ['with an empty run', () => signed(claims({ sub: '' }))],
    ['bound to what is no thumbprint', () => signed(claims({ cnf: { jkt: 42 } }))],
    ['bound in a way we do not know', () => signed(claims({ cnf: { 'x5t#S256': 'a'.repeat(43) } }))],
    ['that is no token', () => 'eyJ'],
    ['with four parts', async () => `${await signed(claims())}.x`],
  ])('%s', async (_what, make) => {
    const refused = await refusalOf(tokensAt({ now: NOW }).verify(await make()));
    expect(refused.code).toBe('UNAUTHENTICATED');
  });

  it('the same token is taken where nothing is wrong with it', async () => {
    const sound = [await signed(claims()), byHand({ alg: 'EdDSA', typ: 'at+jwt' })];
    for (const token of sound)
      await expect(tokensAt({ now: NOW }).verify(token)).resolves.toMatchObject({ tenant: 'default', runId: RUN_ID });
  });

  it.each(['tenant', 'sub', 'grant', 'exp', 'iss', 'aud', 'cnf'])(
    'whose %s was changed after signing',
    async (claim) => {
      const tokens = tokensAt({ now: NOW });
      const token = await signed(claims({ cnf: { jkt: JKT } }));
      await tokens.verify(token); // what is remembered of it must not help
      const [header, payload, signature] = token.split('.') as [string, string, string];
      const changed = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
      changed[claim] = claim === 'cnf' ? undefined : claim === 'exp' ? seconds + 9_999 : `${String(changed[claim])}x`;
      const refused = await refusalOf(tokens.verify(`${header}.${base64(changed)}.${signature}`));
      expect(refused.code).toBe('UNAUTHENTICATED');
    },
  );

  it('once its time is over, although it was verified and remembered before', async () => {
    const clock = { now: NOW };
    const tokens = tokensAt(clock);
    const token = await tokens.mint('default', ...granted());
    await tokens.verify(token);
    clock.now = NOW + HOUR - 1;
    await expect(tokens.verify(token)).resolves.toBeDefined();
    clock.now = NOW + HOUR;
    expect((await refusalOf(tokens.verify(token))).code).toBe('UNAUTHENTICATED');
  });

  it('without saying anything of the token itself', async () => {
    const token = await signed(claims(), other);
    const { detail } = await refusalOf(tokensAt({ now: NOW }).verify(token));
    for (const part of token.split('.')) expect(detail).not.toContain(part);
  });
});
