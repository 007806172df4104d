import { generateKeyPairSync, sign } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import {
  claims,
  granted,
  GRANT_ID,
  ISSUER,
  NOW,
  KID,
  PARENT_ID,
  PRINCIPAL,
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
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: KID });
    expect(decodeJwt(token)).toEqual({
      iss: ISSUER,
      aud: ISSUER,
      sub: PRINCIPAL,
      act: { sub: RUN_ID },
      client_id: RUN_ID,
      jti: `${GRANT_ID}.${NOW / 1_000}`,
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

  it('nests the runs above the acting one in act, nearest first, and names the bound key in cnf', async () => {
    const [run, grant] = granted({ parentRunId: PARENT_ID, jkt: JKT });
    const token = await tokensAt({ now: NOW }).mint('default', run, grant, { above: [PARENT_ID, 'run_root'] });
    const act = { sub: RUN_ID, act: { sub: PARENT_ID, act: { sub: 'run_root' } } };
    expect(decodeJwt(token)).toMatchObject({ act, cnf: { jkt: JKT } });
    const bare = decodeJwt(await tokensAt({ now: NOW }).mint('default', ...granted()));
    expect(bare.act).toEqual({ sub: RUN_ID });
    expect(bare).not.toHaveProperty('cnf');
  });

  it('names the tree as subject once the person is erased', async () => {
    const [run, grant] = granted();
    const token = await tokensAt({ now: NOW }).mint('default', { ...run, requestedBy: null }, grant);
    expect(decodeJwt(token).sub).toBe(TREE_ID);
  });

  it('makes a token for the resources that were asked for, which is of use for no others', async () => {
    const tokens = tokensAt({ now: NOW });
    const mint = (...audience: string[]) => tokens.mint('default', ...granted(), { audience });
    expect((await tokens.verify(await mint(ISSUER, 'https://tool.example'))).audience).toBeUndefined();
    expect((await tokens.verify(await mint(`${ISSUER}/mcp/files`))).audience).toEqual([`${ISSUER}/mcp/files`]);
    expect((await refusalOf(tokens.verify(await mint('https://tool.example')))).code).toBe('UNAUTHENTICATED');
    expect((await refusalOf(tokens.verify(await mint(`${ISSUER}.evil.example`)))).code).toBe('UNAUTHENTICATED');
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
    ['without a run', () => signed(claims({ act: undefined }))],
    ['with an empty run', () => signed(claims({ act: { sub: '' } }))],
    ['whose acting run is only nested', () => signed(claims({ act: { act: { sub: RUN_ID } } }))],
    ['with the kid of no key', () => signed(claims(), undefined, { kid: 'x' })],
    ['with a kid that is a path', () => signed(claims(), undefined, { kid: '../../token.pem' })],
    ['with a kid that every object has', () => signed(claims(), undefined, { kid: 'constructor' })],
    ['with a kid that is a number', () => signed(claims(), undefined, { kid: 7 })],
    ['by another key under our kid', () => signed(claims(), other, { kid: KID })],
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

  it('accepts a token of an earlier release until it ends: the run in sub, and no kid', async () => {
    const older = await signed(claims({ client_id: undefined, sub: RUN_ID, act: { sub: PARENT_ID } }));
    await expect(tokensAt({ now: NOW }).verify(older)).resolves.toMatchObject({ runId: RUN_ID, grantId: GRANT_ID });
  });

  it('reads the acting run from the outermost act alone', async () => {
    const forged = await signed(claims({ act: { sub: RUN_ID, act: { sub: PARENT_ID, act: { sub: 'anyone' } } } }));
    expect((await tokensAt({ now: NOW }).verify(forged)).runId).toBe(RUN_ID);
  });

  it.each(['tenant', 'sub', 'act', 'grant', 'exp', 'iss', 'aud', 'cnf'])(
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
