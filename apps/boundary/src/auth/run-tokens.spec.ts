import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { RunTokens } from './run-tokens';

const ISSUER = 'http://gateway.test';
const RESOURCE = 'http://boundary.test';
const CLAIMS = {
  tenant: 'default',
  grant: `grt_0_${'0'.repeat(26)}`,
  sub: 'user:ada',
  client_id: `run_0_${'0'.repeat(26)}`,
  act: { sub: `run_0_${'0'.repeat(26)}` },
};

describe('RunTokens', () => {
  let server: Server;
  let privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  let tokens: RunTokens;
  beforeAll(async () => {
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
    privateKey = pair.privateKey;
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'EdDSA' }] });
    server = createServer((_request, response) => response.setHeader('content-type', 'application/json').end(jwks));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    tokens = of(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });
  afterAll(() => server.close());

  const of = (keysUrl: string): RunTokens =>
    new RunTokens(
      { issuer: ISSUER, resource: RESOURCE, keysUrl, alwaysNonce: false, now: () => Date.now() },
      { query: () => Promise.reject(new Error('not asked')) },
    );
  const token = (claims: JWTPayload = {}, { typ = 'at+jwt', iss = ISSUER, aud = ISSUER } = {}) =>
    new SignJWT({ ...CLAIMS, ...claims })
      .setProtectedHeader({ alg: 'EdDSA', typ, kid: 'k' })
      .setIssuer(iss)
      .setAudience(aud)
      .setExpirationTime(claims.exp ?? '5m')
      .sign(privateKey);
  const identify = (of: RunTokens, authorization: string | undefined) =>
    of.identify({ authorization, dpop: undefined, method: 'POST', url: `${RESOURCE}/mcp/files` });

  it('identifies the run of a token for the whole installation, or for this endpoint', async () => {
    for (const aud of [ISSUER, RESOURCE, `${RESOURCE}/mcp/files`])
      expect(await identify(tokens, `Bearer ${await token({}, { aud })}`)).toMatchObject({
        tenant: 'default',
        runId: CLAIMS.client_id,
        grantId: CLAIMS.grant,
      });
  });

  it.each<[string, () => Promise<string> | string, string]>([
    ['for another endpoint', () => token({}, { aud: `${RESOURCE}/mcp/mail` }), 'UNAUTHENTICATED'],
    ['for an endpoint whose name starts the same', () => token({}, { aud: `${RESOURCE}/mcp/file` }), 'UNAUTHENTICATED'],
    ['for another service', () => token({}, { aud: 'http://other.test' }), 'UNAUTHENTICATED'],
    ['of another issuer', () => token({}, { iss: 'http://other.test' }), 'UNAUTHENTICATED'],
    ['of one call', () => token({}, { typ: 'bailiwick-action+jwt' }), 'UNAUTHENTICATED'],
    ['that has ended', () => token({ exp: 1 }), 'UNAUTHENTICATED'],
    ['without its grant', () => token({ grant: undefined }), 'UNAUTHENTICATED'],
    ['bound to a key, as a bearer token', () => token({ cnf: { jkt: 'a'.repeat(43) } }), 'DPOP_INVALID'],
    ['bound by what is not known', () => token({ cnf: { x5t: 'a' } }), 'UNAUTHENTICATED'],
    ['that is an API key', () => 'bwk_admin_00000000000000000000', 'UNAUTHENTICATED'],
  ])('refuses a token %s', async (_what, make, code) => {
    await expect(identify(tokens, `Bearer ${await make()}`)).rejects.toMatchObject({ code });
  });

  it('refuses a request without a token, and a token that another key signed', async () => {
    await expect(identify(tokens, undefined)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const forged = `${(await token()).slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`;
    await expect(identify(tokens, `Bearer ${forged}`)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is not ready while the keys cannot be read, rather than to call the token invalid', async () => {
    const closed = of('http://127.0.0.1:9/');
    await expect(identify(closed, `Bearer ${await token()}`)).rejects.toMatchObject({ code: 'NOT_READY' });
  });
});
