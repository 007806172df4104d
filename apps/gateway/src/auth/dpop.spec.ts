import { createHash } from 'node:crypto';
import type { Caller } from './caller';
import { identify } from './caller';
import {
  athOf,
  granted,
  GRANT_ID,
  holderKey,
  ISSUER,
  METHOD,
  NOW,
  proofOf,
  refusalOf,
  RUN_ID,
  tokensAt,
  URL_,
  type HolderKey,
} from '../testing/tokens';
import type { GrantTokens } from './grant-tokens';

const noKeys = { find: () => undefined };
const noRefs = { ref: () => '' };
const seconds = NOW / 1_000;

let clock: { now: number };
let tokens: GrantTokens;
let holder: HolderKey;
let thief: HolderKey;
let bound: string;
let free: string;

beforeAll(async () => {
  holder = await holderKey();
  thief = await holderKey();
});
beforeEach(async () => {
  clock = { now: NOW };
  tokens = tokensAt(clock);
  bound = await tokens.mint('default', ...granted({ jkt: holder.jkt }));
  free = await tokens.mint('default', ...granted());
});

const present = (authorization: string, dpop?: string | string[], method = METHOD, url = URL_): Promise<Caller> =>
  identify({ keys: noKeys, tokens, pseudonyms: noRefs }, { authorization, dpop, method, url });

describe('identify with a token that is bound to a key', () => {
  it('accepts a fresh proof by that key', async () => {
    const caller = await present(`DPoP ${bound}`, await proofOf(holder, bound));
    expect(caller).toEqual({
      kind: 'run',
      tenant: 'default',
      runId: RUN_ID,
      grantId: GRANT_ID,
      jkt: holder.jkt,
      actor: { kind: 'run', id: RUN_ID },
    });
  });

  it('accepts ES256 with a key on P-256', async () => {
    const ec = await holderKey('ec');
    const token = await tokens.mint('default', ...granted({ jkt: ec.jkt }));
    await expect(present(`DPoP ${token}`, await proofOf(ec, token))).resolves.toMatchObject({ jkt: ec.jkt });
  });

  it.each(['dpop', 'DPOP'])('accepts the scheme written as %s', async (scheme) => {
    await expect(present(`${scheme} ${bound}`, await proofOf(holder, bound))).resolves.toBeDefined();
  });

  it('ignores the query of the address', async () => {
    const url = `${URL_}?x=1#y`;
    await expect(present(`DPoP ${bound}`, await proofOf(holder, bound), METHOD, url)).resolves.toBeDefined();
    const other = await proofOf(holder, bound, { htu: `${URL_}?z=2` });
    await expect(present(`DPoP ${bound}`, other, METHOD, url)).resolves.toBeDefined();
  });

  it.each([-59, -30, 0, 30, 59])('accepts a proof issued %s seconds from now', async (off) => {
    await expect(present(`DPoP ${bound}`, await proofOf(holder, bound, { iat: seconds + off }))).resolves.toBeDefined();
  });

  it('refuses it as a bearer token, with or without a proof', async () => {
    for (const proof of [undefined, await proofOf(holder, bound)]) {
      expect((await refusalOf(present(`Bearer ${bound}`, proof))).code).toBe('DPOP_INVALID');
    }
  });

  it('refuses it without a proof and with two', async () => {
    expect((await refusalOf(present(`DPoP ${bound}`))).code).toBe('DPOP_INVALID');
    const two = [await proofOf(holder, bound), await proofOf(holder, bound)];
    expect((await refusalOf(present(`DPoP ${bound}`, two))).code).toBe('DPOP_INVALID');
    expect((await refusalOf(present(`DPoP ${bound}`, two.join(', ')))).code).toBe('DPOP_INVALID');
  });
});

describe('identify with an invalid proof', () => {
  const secret = Buffer.alloc(32, 1);
  const withSecret = { kty: 'oct', k: secret.toString('base64url') };

  it.each<[string, () => Promise<string>]>([
    ['for another method', () => proofOf(holder, bound, { htm: 'GET' })],
    ['for the method in lower case', () => proofOf(holder, bound, { htm: 'post' })],
    ['without a method', () => proofOf(holder, bound, { htm: undefined })],
    ['for another path', () => proofOf(holder, bound, { htu: `${ISSUER}/v1/runs` })],
    ['for another host', () => proofOf(holder, bound, { htu: 'https://evil.example/v1/actions' })],
    ['for another scheme', () => proofOf(holder, bound, { htu: URL_.replace('https', 'http') })],
    ['for the address as the start of another', () => proofOf(holder, bound, { htu: `${URL_}/x` })],
    ['without an address', () => proofOf(holder, bound, { htu: undefined })],
    ['for an invalid address', () => proofOf(holder, bound, { htu: 'nowhere' })],
    ['made a minute ago', () => proofOf(holder, bound, { iat: seconds - 60 })],
    ['made an hour ago', () => proofOf(holder, bound, { iat: seconds - 3_600 })],
    ['made a minute from now', () => proofOf(holder, bound, { iat: seconds + 60 })],
    ['without a time', () => proofOf(holder, bound, { iat: undefined })],
    ['for another token', () => proofOf(holder, bound, { ath: athOf(free) })],
    ['for no token', () => proofOf(holder, bound, { ath: undefined })],
    [
      'with the digest in another encoding',
      () => proofOf(holder, bound, { ath: createHash('sha256').update(bound).digest('hex') }),
    ],
    ['without an id', () => proofOf(holder, bound, { jti: undefined })],
    ['with an empty id', () => proofOf(holder, bound, { jti: '' })],
    ['by another key', () => proofOf(thief, bound)],
    ['by another key, with the right key in its header', () => proofOf(holder, bound, {}, {}, thief.privateKey)],
    ['without a key', () => proofOf(holder, bound, {}, { jwk: undefined })],
    [
      'that contains its private key',
      () => proofOf(holder, bound, {}, { jwk: holder.privateKey.export({ format: 'jwk' }) }),
    ],
    ['of another type', () => proofOf(holder, bound, {}, { typ: 'JWT' })],
    ['with a shared secret in its header', () => proofOf(holder, bound, {}, { alg: 'HS256', jwk: withSecret }, secret)],
    ['that is the token itself', () => Promise.resolve(bound)],
    ['that is no JWT', () => Promise.resolve('x.y.z')],
  ])('refuses a proof %s', async (_case, make) => {
    const refused = await refusalOf(present(`DPoP ${bound}`, await make()));
    expect(refused.code).toBe('DPOP_INVALID');
  });

  it('refuses a proof with alg none', async () => {
    const [header, payload] = (await proofOf(holder, bound)).split('.') as [string, string];
    const fields = JSON.parse(Buffer.from(header, 'base64url').toString()) as object;
    const none = Buffer.from(JSON.stringify({ ...fields, alg: 'none' })).toString('base64url');
    expect((await refusalOf(present(`DPoP ${bound}`, `${none}.${payload}.`))).code).toBe('DPOP_INVALID');
  });

  it('refuses a proof that was used before', async () => {
    const proof = await proofOf(holder, bound);
    await present(`DPoP ${bound}`, proof);
    expect((await refusalOf(present(`DPoP ${bound}`, proof))).code).toBe('DPOP_INVALID');
  });

  it('refuses a used proof at any time of its validity, and another proof with its id', async () => {
    const proof = await proofOf(holder, bound, { iat: seconds + 59, jti: 'one' });
    await present(`DPoP ${bound}`, proof);
    clock.now = NOW + 118_000; // the last second of its validity
    expect((await refusalOf(present(`DPoP ${bound}`, proof))).detail).toContain('used before');
    const again = await proofOf(holder, bound, { iat: seconds + 118, jti: 'one' });
    expect((await refusalOf(present(`DPoP ${bound}`, again))).detail).toContain('used before');
  });

  it('accepts the same id from another key', async () => {
    const token = await tokens.mint('default', ...granted({ jkt: thief.jkt }));
    await present(`DPoP ${bound}`, await proofOf(holder, bound, { jti: 'one' }));
    await expect(present(`DPoP ${token}`, await proofOf(thief, token, { jti: 'one' }))).resolves.toBeDefined();
  });

  it('accepts an id that only refused proofs have used', async () => {
    await refusalOf(present(`DPoP ${bound}`, await proofOf(thief, bound, { jti: 'one' })));
    await refusalOf(present(`DPoP ${bound}`, await proofOf(holder, bound, { jti: 'one', htm: 'GET' })));
    await expect(present(`DPoP ${bound}`, await proofOf(holder, bound, { jti: 'one' }))).resolves.toBeDefined();
  });
});

describe('identify with a token that is not bound to a key', () => {
  it('accepts it as a bearer token without a proof', async () => {
    await expect(present(`Bearer ${free}`)).resolves.toMatchObject({ kind: 'run', jkt: undefined });
  });

  it('refuses it as a DPoP token with any proof', async () => {
    expect((await refusalOf(present(`DPoP ${free}`, await proofOf(thief, free)))).code).toBe('UNAUTHENTICATED');
  });
});
