import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { bailiwick } from '../support/cli';
import { scratch } from '../support/servers';
import { http, until, type Stack } from '../support/stack';
import {
  ACCESS_TOKEN,
  basic,
  details,
  exchangeFields,
  EXCHANGE,
  form,
  IdentityProvider,
  ProofKey,
  SecondGateway,
  startStack,
  TOOL,
  type Answer,
} from './oauth-world';
import { call, GRANT, makeTenant, openRun, type Opened } from './world';

let provider: IdentityProvider;
let stack: Stack;
let second: SecondGateway;
let other: Record<string, string>;
beforeAll(async () => {
  provider = await IdentityProvider.start();
  stack = await startStack(provider, scratch());
  second = await SecondGateway.start(stack);
  other = await makeTenant(stack, 'other');
}, 120_000);
afterAll(async () => {
  await second.stop();
  await stack.stop();
  provider.stop();
});

const READ = { actions: { allow: ['repo.read'] }, budget: { calls: 5 } };
const key = (role: string): string => stack.keys[role] as string;
const token = (fields: Parameters<typeof form>[1], headers = {}): Promise<Answer> =>
  form(`${stack.url}/oauth/token`, fields, headers);
const asClient = (role = 'orchestrator'): Record<string, string> => basic(role, key(role));
const introspect = (value: string, headers = asClient('enforcer')): Promise<Answer> =>
  form(`${stack.url}/oauth/introspect`, { token: value }, headers);
const statusOf = async (grantId: string): Promise<unknown> =>
  (await http(stack, 'GET', `/v1/grants/${grantId}`, { key: key('analyst') })).body.status;
/** Sends a request for a token with the nonce that the server asks for. */
async function withNonce(
  proof: ProofKey,
  fields: Parameters<typeof form>[1],
  headers: Record<string, string> = {},
): Promise<Answer> {
  const url = `${stack.url}/oauth/token`;
  const asked = await token(fields, { ...headers, dpop: await proof.proof('POST', url) });
  expect([asked.status, asked.body.error]).toEqual([400, 'use_dpop_nonce']);
  const nonce = asked.headers.get('dpop-nonce') ?? '';
  return token(fields, { ...headers, dpop: await proof.proof('POST', url, { nonce }) });
}

describe('a client with public keys', () => {
  it('is added by its JWKS, authenticates with unmodified libraries, and is refused once it is revoked', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const file = join(scratch(), 'jwks.json');
    writeFileSync(file, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] }));
    const added = await bailiwick([
      'keys',
      'add',
      '--name',
      'ci',
      '--role',
      'orchestrator',
      '--jwks',
      file,
      '--url',
      stack.url,
      '--key',
      key('admin'),
      '--json',
    ]);
    const { id, key: secret } = JSON.parse(added.out) as Record<string, string>;
    expect(secret).toBeUndefined();
    const parent = await openRun(stack);
    const config = await openid.discovery(
      new URL(stack.url),
      id as string,
      undefined,
      openid.PrivateKeyJwt({ key: privateKey, kid: 'one' }),
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- the system of this test has no TLS
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    );
    const { grant_type: _, ...fields } = exchangeFields(parent.token, READ);
    let granted = '';
    // the log's new owner refuses an assertion that the previous one may have accepted; the client makes another
    await until('the log accepts new assertions', async () => {
      const answer = await openid.genericGrantRequest(config, EXCHANGE, fields).catch((error: unknown) => {
        expect((error as { cause?: Partial<Response> }).cause?.status).toBe(503); // temporarily_unavailable
      });
      granted = answer?.access_token ?? '';
      return granted !== '';
    });
    expect(await openid.tokenIntrospection(config, granted)).toMatchObject({ active: true });
    const server = { issuer: stack.url, revocation_endpoint: `${stack.url}/oauth/revoke` };
    const revoke = () =>
      oauth.revocationRequest(
        server,
        { client_id: id as string },
        oauth.PrivateKeyJwt({ key: privateKey, kid: 'one' }),
        granted,
        {
          // eslint-disable-next-line @typescript-eslint/no-deprecated -- as above
          [oauth.allowInsecureRequests]: true,
        },
      );
    expect((await revoke()).status).toBe(200);
    expect(await openid.tokenIntrospection(config, granted)).toMatchObject({ active: false });
    await http(stack, 'DELETE', `/v1/keys/${id}`, { key: key('admin') });
    expect((await revoke()).status).toBe(401);
  });
});

describe('openid-client, unmodified', () => {
  it('exchanges with DPoP and nonce, introspects and revokes', async () => {
    const parent = await openRun(stack);
    const config = await openid.discovery(
      new URL(stack.url),
      'orchestrator',
      undefined,
      openid.ClientSecretBasic(key('orchestrator')),
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- the system of this test has no TLS
      { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] },
    );
    const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'));
    const { grant_type: _, ...fields } = exchangeFields(parent.token, READ);
    const granted = await openid.genericGrantRequest(config, EXCHANGE, fields, { DPoP });
    expect(granted).toMatchObject({ token_type: 'dpop', issued_token_type: ACCESS_TOKEN });
    expect(granted.expiresIn()).toBeGreaterThan(3_000);
    const jkt = await DPoP.calculateThumbprint();
    const live = await openid.tokenIntrospection(config, granted.access_token);
    expect(live).toMatchObject({ active: true, iss: stack.url, sub: 'user:owner@example.com', cnf: { jkt } });
    expect(live.act).toEqual({ sub: live.client_id, act: { sub: parent.runId } });
    const url = new URL(`${stack.url}/v1/runs/${String(live.client_id)}`);
    const read = await openid.fetchProtectedResource(config, granted.access_token, url, 'GET', null, undefined, {
      DPoP,
    });
    expect(read.status).toBe(200);
    await openid.tokenRevocation(config, granted.access_token);
    expect(await openid.tokenIntrospection(config, granted.access_token)).toEqual({ active: false });
    expect(await statusOf(parent.grantId)).toBe('active');
  });
});

describe('oauth4webapi, unmodified', () => {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the system of this test has no TLS
  const insecure = { [oauth.allowInsecureRequests]: true };
  const client: oauth.Client = { client_id: 'orchestrator' };
  let as: oauth.AuthorizationServer;
  beforeAll(async () => {
    const response = await oauth.discoveryRequest(new URL(stack.url), { algorithm: 'oauth2', ...insecure });
    as = await oauth.processDiscoveryResponse(new URL(stack.url), response);
  });
  async function exchange(
    DPoP: oauth.DPoPHandle,
    fields: Record<string, string>,
  ): Promise<oauth.TokenEndpointResponse> {
    const { grant_type: _, ...parameters } = fields;
    const secret = oauth.ClientSecretPost(key('orchestrator'));
    const send = (): Promise<Response> =>
      oauth.genericTokenEndpointRequest(as, client, secret, EXCHANGE, parameters, { DPoP, ...insecure });
    try {
      return await oauth.processGenericTokenEndpointResponse(as, client, await send());
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return oauth.processGenericTokenEndpointResponse(as, client, await send());
    }
  }

  it('verifies access tokens as a resource server, with the proof, for its own audience only', async () => {
    const parent = await openRun(stack);
    const keyPair = await oauth.generateKeyPair('ES256');
    const DPoP = oauth.DPoP(client, keyPair);
    const granted = await exchange(DPoP, { ...exchangeFields(parent.token, READ), resource: TOOL });
    const proof = await ProofKey.make();
    const sent = async (scheme: string, dpop?: string): Promise<Request> =>
      new Request(`${TOOL}/read`, {
        headers: { authorization: `${scheme} ${granted.access_token}`, ...(dpop === undefined ? {} : { dpop }) },
      });
    let good = '';
    await oauth.protectedResourceRequest(granted.access_token, 'GET', new URL(`${TOOL}/read`), undefined, null, {
      DPoP,
      [oauth.customFetch]: (_url: string, { headers }: { headers: Record<string, string> }) => {
        good = headers.dpop ?? '';
        return Promise.resolve(new Response());
      },
    });
    const verify = (request: Request, audience = TOOL) => oauth.validateJwtAccessToken(as, request, audience, insecure);
    const claims = await verify(await sent('DPoP', good));
    expect(claims).toMatchObject({ aud: TOOL, iss: stack.url, sub: 'user:owner@example.com' });
    expect(claims.act).toMatchObject({ act: { sub: parent.runId } });
    await expect(verify(await sent('Bearer'))).rejects.toThrow();
    await expect(verify(await sent('DPoP', await proof.proof('GET', `${TOOL}/read`)))).rejects.toThrow();
    await expect(verify(await sent('DPoP', good), 'https://bank.example')).rejects.toThrow();
    // and it is of no use here
    const used = await http(stack, 'GET', `/v1/grants/${parent.grantId}`, { key: granted.access_token });
    expect(used.status).toBe(401);
    expect((await token(exchangeFields(granted.access_token))).body).toMatchObject({ error: 'invalid_request' });
    expect((await introspect(granted.access_token)).body).toMatchObject({ active: true, aud: TOOL });
  });
});

describe('the metadata of the authorization server', () => {
  it('names the configured address whatever Host a request has', async () => {
    const response = await fetch(`${second.url}/.well-known/oauth-authorization-server`);
    expect(await response.json()).toMatchObject({
      issuer: stack.url,
      token_endpoint: `${stack.url}/oauth/token`,
      jwks_uri: `${stack.url}/oauth/jwks`,
      authorization_details_types_supported: ['bailiwick_lease'],
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'EdDSA']) as unknown,
    });
  });
});

describe('POST /oauth/token by token exchange', () => {
  let parent: Opened;
  beforeAll(async () => (parent = await openRun(stack)));

  it('grants what was asked for and states it, without a refresh token', async () => {
    const { status, headers, body } = await token(exchangeFields(parent.token, READ));
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toMatchObject({ issued_token_type: ACCESS_TOKEN, token_type: 'Bearer' });
    expect(body).not.toHaveProperty('refresh_token');
    const [granted] = body.authorization_details as [Record<string, unknown>];
    expect(granted).toMatchObject({ type: 'bailiwick_lease', task: 'read the repository', agent: { class: 'child' } });
    expect(granted.grant).toMatchObject({ actions: { allow: ['repo.read'] }, budget: { calls: 5 } });
    const acted = await http(stack, 'POST', '/v1/actions', {
      key: String(body.access_token),
      body: call(String(granted.grantId)),
    });
    expect(acted.body.decision).toBe('permit');
    const tree = await http(stack, 'GET', `/v1/grants/${String(granted.grantId)}`, { key: parent.token });
    expect(tree.body.parentId).toBe(parent.grantId);
  });

  it('makes the authenticated client the child agent if the details name none', async () => {
    const fields = { ...exchangeFields(parent.token), authorization_details: details({}, { agent: undefined }) };
    const { body } = await token(fields, asClient());
    expect(body.authorization_details).toMatchObject([{ agent: { class: 'orchestrator' } }]);
    expect((await token(fields)).body.error).toBe('invalid_authorization_details');
  });

  it('returns the first answer to a repeated request with the same Idempotency-Key', async () => {
    const once = { 'idempotency-key': 'exchange-1' };
    const fields = exchangeFields(parent.token, READ);
    const [one, two] = [await token(fields, once), await token(fields, once)];
    expect(two.body.access_token).toBe(one.body.access_token);
    const changed = await token(exchangeFields(parent.token), once);
    expect([changed.status, changed.body.code]).toEqual([400, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('refuses a wider lease with the reason of each dimension', async () => {
    const { status, body } = await token(
      exchangeFields(parent.token, { actions: { allow: ['**'] }, budget: { calls: 1e6 } }),
    );
    expect([status, body.error, body.code]).toEqual([400, 'invalid_authorization_details', 'GRANT_WIDENS_PARENT']);
    expect(JSON.stringify(body.reasons)).toContain('budget.calls');
    expect(body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  });

  it.each<[string, string, Record<string, string | string[]>]>([
    ['no grant type', 'invalid_request', { grant_type: '' }],
    ['another grant type', 'unsupported_grant_type', { grant_type: 'refresh_token' }],
    ['no subject token', 'invalid_request', { subject_token: '' }],
    ['a subject token that is none', 'invalid_request', { subject_token: 'eyJx.y.z' }],
    ['an API key as subject token', 'invalid_request', { subject_token: 'bwk_orchestrator_0123456789' }],
    [
      'another type of subject token',
      'invalid_request',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
    ],
    [
      'another type of result',
      'invalid_request',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
    ],
    ['an actor token', 'invalid_request', { actor_token: 'x' }],
    ['a scope', 'invalid_scope', { scope: 'repo' }],
    ['a foreign resource', 'invalid_target', { resource: 'https://bank.example' }],
    ['a foreign audience', 'invalid_target', { audience: [TOOL, 'https://bank.example'] }],
    ['a resource that only starts like ours', 'invalid_target', { resource: `${TOOL}.evil.example` }],
    ['a repeated parameter', 'invalid_request', { grant_type: [EXCHANGE, EXCHANGE] }],
    ['no details', 'invalid_authorization_details', { authorization_details: '' }],
    ['details that are not JSON', 'invalid_authorization_details', { authorization_details: '[{' }],
    [
      'two details',
      'invalid_authorization_details',
      { authorization_details: `[${details().slice(1, -1)},${details().slice(1, -1)}]` },
    ],
    ['an unknown type', 'invalid_authorization_details', { authorization_details: details({}, { type: 'payment' }) }],
    ['an unknown member', 'invalid_authorization_details', { authorization_details: details({}, { extra: 1 }) }],
    ['an unknown limit', 'invalid_authorization_details', { authorization_details: details({ anything: true }) }],
    [
      'a member twice',
      'invalid_authorization_details',
      { authorization_details: details().replace('"task"', '"type":"x","task"') },
    ],
  ])('answers 400 in the form of RFC 6749 to %s', async (_what, error, changed) => {
    const { status, headers, body } = await token({ ...exchangeFields(parent.token), ...changed });
    expect([status, body.error]).toEqual([400, error]);
    expect(headers.get('content-type')).toMatch(/^application\/json/);
    expect(body.error_description).toEqual(expect.any(String));
  });

  it('takes no JSON', async () => {
    const { status, body } = await http(stack, 'POST', '/oauth/token', { body: exchangeFields(parent.token) });
    expect([status, body.error]).toEqual([400, 'invalid_request']);
  });

  it('authenticates clients by header or form, and by one of them', async () => {
    const fields = exchangeFields(parent.token, READ);
    const secret = { client_id: 'key:orchestrator', client_secret: key('orchestrator') };
    expect((await token({ ...fields, ...secret })).status).toBe(200);
    expect((await token({ ...fields, ...secret }, asClient())).body.error).toBe('invalid_request');
    const wrong = [
      basic('orchestrator', key('admin')),
      basic('admin', key('orchestrator')),
      basic('orchestrator', 'bwk_orchestrator_wrong'),
      basic('orchestrator', parent.token),
      { authorization: 'Basic !' },
      { authorization: `Bearer ${key('orchestrator')}` },
    ];
    for (const headers of wrong) {
      const answer = await token(fields, headers);
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
      expect(answer.headers.get('www-authenticate')).toContain('Basic');
    }
    expect((await token(fields, asClient('enforcer'))).body.error).toBe('unauthorized_client');
    // a client of another tenant learns nothing about the token (I9)
    const foreign = await token(fields, basic('orchestrator', other.orchestrator as string));
    expect([foreign.status, foreign.body.error]).toEqual([400, 'invalid_request']);
  });

  it('issues a token for a part of this installation that is of no use for another, nor as a subject', async () => {
    const { body } = await token({ ...exchangeFields(parent.token, READ), resource: `${stack.url}/mcp/files` });
    const part = String(body.access_token);
    expect(decodeJwt(part).aud).toBe(`${stack.url}/mcp/files`);
    const used = await http(stack, 'GET', `/v1/grants/${parent.grantId}`, { key: part });
    expect([used.status, used.body.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect((await token(exchangeFields(part))).body.error).toBe('invalid_request');
  });

  it('answers with the approval if a person must approve the child first', async () => {
    const asking = await openRun(stack, { ...GRANT, delegation: { ...GRANT.delegation, ask: true } });
    const { status, body } = await token(exchangeFields(asking.token, READ));
    expect([status, body.error]).toEqual([400, 'authorization_pending']);
    const path = `/v1/approvals/${String(body.approval_id)}/decision`;
    await http(stack, 'POST', path, { key: key('approver'), body: { verdict: 'approve' } });
    const got = await http(stack, 'POST', `/v1/runs/${String(body.run_id)}/token`, { key: asking.token, body: {} });
    expect(decodeJwt(String(got.body.token)).act).toEqual({ sub: body.run_id, act: { sub: asking.runId } });
  });

  it('delegates nothing of a lease that was revoked', async () => {
    const run = await openRun(stack);
    await http(stack, 'POST', `/v1/grants/${run.grantId}/revocation`, {
      key: key('responder'),
      body: { reason: 'a test' },
    });
    expect((await token(exchangeFields(run.token, READ))).body).toMatchObject({
      error: 'invalid_request',
      code: 'GRANT_NOT_LIVE',
    });
  });
});

describe('a lease that is bound to a key', () => {
  it('is no use to a thief of its token: not here, not as a subject, not as bearer', async () => {
    const [own, thief] = [await ProofKey.make(), await ProofKey.make()];
    const parent = await openRun(stack, { ...GRANT, session: { jkt: own.jkt } });
    expect((await token(exchangeFields(parent.token, READ))).body.error).toBe('invalid_request');
    expect((await withNonce(thief, exchangeFields(parent.token, READ))).body.error).toBe('invalid_request');
    const granted = await withNonce(own, exchangeFields(parent.token, READ));
    expect(granted.body).toMatchObject({ token_type: 'DPoP' });
    expect(decodeJwt(String(granted.body.access_token)).cnf).toEqual({ jkt: own.jkt });
    const url = `/v1/grants/${parent.grantId}`;
    const bearer = await http(stack, 'GET', url, { key: parent.token });
    expect([bearer.status, bearer.body.code]).toEqual([401, 'DPOP_INVALID']);
  });

  it('is used once per proof at all gateways, under the configured address and with a nonce of either', async () => {
    const own = await ProofKey.make();
    const { grantId, token: bound } = await openRun(stack, { ...GRANT, session: { jkt: own.jkt } });
    const path = `/v1/grants/${grantId}`;
    const send = async (base: string, dpop: string): Promise<Response> =>
      fetch(base + path, { headers: { authorization: `DPoP ${bound}`, dpop } });
    // by the Host of the second gateway, and by the address that both are configured with
    const byHost = await send(second.url, await own.proof('GET', second.url + path, { token: bound }));
    expect([byHost.status, byHost.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('DPoP')]);
    const stale = await send(stack.url, await own.proof('GET', stack.url + path, { token: bound, nonce: 'x.y' }));
    expect([stale.status, stale.headers.get('www-authenticate')]).toEqual([401, 'DPoP error="use_dpop_nonce"']);
    const nonce = stale.headers.get('dpop-nonce') ?? '';
    const captured = await own.proof('GET', stack.url + path, { token: bound, nonce });
    expect((await send(second.url, captured)).status).toBe(200);
    expect((await send(stack.url, captured)).status).toBe(401);
    expect((await send(second.url, captured)).status).toBe(401);
  });
});

describe('POST /oauth/introspect and /oauth/revoke', () => {
  it('answer from the live lease: inactive with any lease above it revoked', async () => {
    const parent = await openRun(stack);
    const { body } = await token(exchangeFields(parent.token, READ));
    const child = String(body.access_token);
    expect((await introspect(child)).body).toMatchObject({ active: true, token_type: 'Bearer' });
    const revoked = await form(`${stack.url}/oauth/revoke`, { token: parent.token }, asClient('responder'));
    expect(revoked.status).toBe(200);
    expect((await introspect(child)).body).toEqual({ active: false });
    expect((await introspect(parent.token)).body).toEqual({ active: false });
    const again = await form(`${stack.url}/oauth/revoke`, { token: parent.token }, asClient('responder'));
    expect(again.status).toBe(200);
  });

  it('state nothing about tokens of another tenant, and revoke none (I9)', async () => {
    const run = await openRun(stack);
    const foreign = basic('responder', other.responder as string);
    expect((await introspect(run.token, foreign)).body).toEqual({ active: false });
    expect((await form(`${stack.url}/oauth/revoke`, { token: run.token }, foreign)).status).toBe(200);
    expect(await statusOf(run.grantId)).toBe('active');
  });

  it('answer {active:false} and 200 to what is no token', async () => {
    for (const value of ['x', 'eyJx.y.z', key('orchestrator')]) {
      expect((await introspect(value)).body).toEqual({ active: false });
      expect((await form(`${stack.url}/oauth/revoke`, { token: value }, asClient('responder'))).status).toBe(200);
    }
  });

  it('take a run for what is below it, and for itself, and no other run', async () => {
    const [parent, stranger] = [await openRun(stack), await openRun(stack)];
    const { body } = await token(exchangeFields(parent.token, READ));
    const child = String(body.access_token);
    const bearer = (of: string): Record<string, string> => ({ authorization: `Bearer ${of}` });
    expect((await introspect(child, bearer(parent.token))).body.active).toBe(true);
    expect((await introspect(child, bearer(stranger.token))).body).toEqual({ active: false });
    const refused = await form(`${stack.url}/oauth/revoke`, { token: child }, bearer(stranger.token));
    expect([refused.status, refused.body.error]).toEqual([400, 'unauthorized_client']);
    expect((await introspect(child)).body.active).toBe(true);
    expect((await form(`${stack.url}/oauth/revoke`, { token: child }, bearer(child))).status).toBe(200);
    expect((await introspect(child)).body).toEqual({ active: false });
    expect((await introspect(parent.token)).body.active).toBe(true);
  });

  it('need a client', async () => {
    const { token: value } = await openRun(stack);
    for (const path of ['introspect', 'revoke']) {
      const answer = await form(`${stack.url}/oauth/${path}`, { token: value });
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
    }
    expect((await introspect(value, asClient('admin'))).body.error).toBe('unauthorized_client');
  });
});

describe('bailiwick tokens rotate-key', () => {
  it('makes every gateway sign with a new key, and accept the tokens of the former one', async () => {
    const before = await openRun(stack);
    const ran = await bailiwick(['tokens', 'rotate-key', '--data', stack.dataDir, '--json']);
    const { old, new: fresh } = JSON.parse(ran.out) as { old: string; new: string };
    for (const { url } of [stack, second]) {
      const { keys } = (await (await fetch(`${url}/oauth/jwks`)).json()) as { keys: { kid: string }[] };
      expect(keys.map(({ kid }) => kid)).toEqual([fresh, old]);
    }
    let after = before;
    await until('the gateway to sign with the new key', async () => {
      after = await openRun(stack);
      return decodeProtectedHeader(after.token).kid === fresh;
    });
    for (const { token: bearer, grantId } of [before, after])
      for (const { url } of [stack, second]) {
        const headers = { authorization: `Bearer ${bearer}` };
        expect((await fetch(`${url}/v1/grants/${grantId}`, { headers })).status).toBe(200);
      }
  });
});
