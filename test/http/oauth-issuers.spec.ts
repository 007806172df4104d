import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt } from 'jose';
import { ActionTokens } from '@bailiwick/client/action-tokens';
import { scratch } from '../support/servers';
import { http, type Stack } from '../support/stack';
import {
  basic,
  details,
  exchangeFields,
  form,
  IdentityProvider,
  JWT_BEARER,
  startStack,
  TOOL,
  type Answer,
} from './oauth-world';
import { call, GRANT, makeTenant, openRun, RUN } from './world';

/** What tokens of other issuers open, and the tokens of actions that tools accept. */
let provider: IdentityProvider;
let stack: Stack;
let other: Record<string, string>;
beforeAll(async () => {
  provider = await IdentityProvider.start();
  stack = await startStack(provider, scratch());
  other = await makeTenant(stack, 'other');
}, 120_000);
afterAll(async () => {
  await stack.stop();
  provider.stop();
});

const READ = { actions: { allow: ['repo.read'] }, budget: { calls: 5 } };
const key = (role: string): string => stack.keys[role] as string;
const token = (fields: Parameters<typeof form>[1], headers = {}): Promise<Answer> =>
  form(`${stack.url}/oauth/token`, fields, headers);
const asClient = (role = 'orchestrator'): Record<string, string> => basic(role, key(role));
const introspect = (value: string): Promise<Answer> =>
  form(`${stack.url}/oauth/introspect`, { token: value }, asClient('enforcer'));

describe('POST /oauth/token by an identity assertion', () => {
  const open = async (
    changed = {},
    header = {},
    more: Record<string, string> = {},
    client = asClient(),
    signer?: never,
  ) => {
    const assertion = await provider.assertion(stack.url, changed, header, signer);
    return token(
      {
        grant_type: JWT_BEARER,
        assertion,
        authorization_details: details({ ...READ, resources: GRANT.resources }),
        ...more,
      },
      client,
    );
  };

  it('opens a root run for the person, once', async () => {
    const assertion = await provider.assertion(stack.url);
    const fields = {
      grant_type: JWT_BEARER,
      assertion,
      authorization_details: details({ ...READ, resources: GRANT.resources }),
    };
    const { status, body } = await token(fields, asClient());
    expect([status, body.token_type]).toEqual([200, 'Bearer']);
    const claims = decodeJwt(String(body.access_token));
    expect(claims).toMatchObject({ sub: 'user:ada@example.com', aud: stack.url });
    expect(claims.act).toEqual({ sub: claims.client_id });
    expect((await token(fields, asClient())).body.access_token).toBe(body.access_token);
    const changed = await token({ ...fields, authorization_details: details() }, asClient());
    expect(changed.body.code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it.each<[string, object, object]>([
    ['for another resource', { resource: 'https://bank.example' }, {}],
    ['for a resource that only starts like ours', { resource: 'http://127.0.0.1:1' }, {}],
    ['for no resource', { resource: undefined }, {}],
    ['for another client', { client_id: 'enforcer' }, {}],
    ['for no client', { client_id: undefined }, {}],
    ['for another authorization server', { aud: 'https://other.example' }, {}],
    ['for several', { aud: ['https://other.example', 'https://another.example'] }, {}],
    ['of an unknown issuer', { iss: 'https://unknown.example' }, {}],
    ['of another type', {}, { typ: 'JWT' }],
    ['of no type', {}, { typ: undefined }],
    ['under an unknown key', {}, { kid: 'two' }],
    ['without an id', { jti: undefined }, {}],
    ['that has ended', { exp: 1_700_000_000, iat: 1_699_999_900 }, {}],
    ['with scopes, which limit nothing here', { scope: 'repo' }, {}],
    ['of an unverified address', { email_verified: false }, {}],
  ])('refuses an assertion %s', async (_what, changed, header) => {
    const { status, body } = await open(changed, header);
    expect([status, body.error]).toEqual([400, 'invalid_grant']);
  });

  it('refuses one that another key signed, one for another resource than the request, and one without its client', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect((await open({}, {}, {}, asClient(), privateKey as never)).body.error).toBe('invalid_grant');
    // the request names another resource of ours than the assertion
    expect((await open({}, {}, { resource: TOOL })).body.error).toBe('invalid_target');
    expect((await open({}, {}, {}, {})).body.error).toBe('invalid_client');
    expect((await open({}, {}, {}, asClient('enforcer'))).body.error).toBe('unauthorized_client');
    expect((await open({}, {}, {}, basic('orchestrator', other.orchestrator as string))).body.error).toBe(
      'invalid_grant',
    );
  });
});

describe('a run whose posture a workload token attests', () => {
  const attested = async (changed = {}, more: object = {}, role = 'orchestrator'): Promise<Answer> =>
    http(stack, 'POST', '/v1/runs', {
      key: key(role),
      body: { ...RUN, agent: { class: 'repo-agent' }, attestation: await provider.workload(changed), ...more },
    });
  const needed = { ...GRANT, posture: { attestedBy: ['ci'] } };

  it('has the posture of the claims, and a redeployed one is refused', async () => {
    const { status, body } = await attested({}, { grant: needed });
    expect(status).toBe(201);
    const { agent } = body.run as { agent: object };
    expect(agent).toEqual({
      class: 'repo-agent',
      posture: { imageDigest: 'sha-1', environment: 'prod' },
      attestedBy: 'ci',
    });
    const { id } = body.grant as { id: string };
    const act = async (posture?: object): Promise<string> => {
      const sent = call(id, posture ? { posture } : {});
      const answer = await http(stack, 'POST', '/v1/actions', { key: key('enforcer'), body: sent });
      return `${String(answer.body.decision)} ${JSON.stringify(answer.body.reasons).match(/POSTURE_\w+/)?.[0] ?? ''}`;
    };
    expect(await act({ imageDigest: 'sha-1' })).toBe('permit ');
    expect(await act({ imageDigest: 'sha-2' })).toBe('deny POSTURE_CHANGED');
    // a child that states its posture is not attested, and one with a token is
    const child = { agent: { class: 'child' }, task: 'read', grant: { posture: { attestedBy: ['ci'] } } };
    const { body: made } = await http(stack, 'POST', `/v1/grants/${id}/delegations`, {
      key: String(body.token),
      body: child,
    });
    const denied = await http(stack, 'POST', '/v1/actions', {
      key: String(made.token),
      body: call((made.grant as { id: string }).id),
    });
    expect([denied.body.decision, JSON.stringify(denied.body.reasons)]).toEqual([
      'deny',
      expect.stringContaining('POSTURE_MISMATCH'),
    ]);
    const exchanged = await token({
      ...exchangeFields(String(body.token), child.grant),
      actor_token: await provider.workload(),
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    });
    expect(exchanged.body.authorization_details).toMatchObject([{ agent: { attestedBy: 'ci' } }]);
  });

  it.each<[string, object, object, number]>([
    ['of another repository', { repository: 'evil/clord' }, {}, 401],
    ['without a repository', { repository: undefined }, {}, 401],
    ['for another audience', { aud: 'bailiwick' }, {}, 401],
    ['of another issuer', { iss: 'https://unknown.example' }, {}, 401],
    ['that has ended', { iat: 1_699_999_900, exp: 1_700_000_000 }, {}, 401],
    ['without a claim of the posture', { sha: undefined }, {}, 401],
    [
      'of another image than the request states',
      {},
      { agent: { class: 'repo-agent', posture: { imageDigest: 'sha-2' } } },
      403,
    ],
    [
      'that does not cover what the request states',
      {},
      { agent: { class: 'repo-agent', posture: { model: 'm' } } },
      403,
    ],
    ['for a class that it does not attest', {}, { agent: { class: 'payroll-agent' } }, 403],
    ['that the request states itself', {}, { agent: { class: 'repo-agent', attestedBy: 'ci' } }, 400],
  ])('is not opened by a token %s', async (_what, changed, more, status) => {
    expect((await attested(changed, more)).status).toBe(status);
  });

  it('is not opened in another tenant, nor by an assertion of a person', async () => {
    const body = { ...RUN, attestation: await provider.workload() };
    expect((await http(stack, 'POST', '/v1/runs', { key: other.orchestrator, body })).status).toBe(401);
    const person = { ...RUN, attestation: await provider.assertion(stack.url, { aud: 'bailiwick-ci' }) };
    expect((await http(stack, 'POST', '/v1/runs', { key: key('orchestrator'), body: person })).status).toBe(401);
  });
});

describe('the token of an action', () => {
  const AUDIENCE = 'https://shop.example';
  it('is verified offline by the tool, for the one call, once', async () => {
    const { grantId, token: bearer, runId } = await openRun(stack);
    const body = call(grantId, {
      action: { verb: 'repo.read', args: { path: 'README.md' } },
      token: { audience: AUDIENCE },
    });
    const permit = await http(stack, 'POST', '/v1/actions', { key: bearer, body });
    expect(permit.body.decision).toBe('permit');
    const tokens = new ActionTokens({ issuer: stack.url, audience: AUDIENCE });
    const expected = { verb: 'repo.read', resource: { type: 'repo', id: 'acme/clord' }, args: { path: 'README.md' } };
    const actionToken = String(permit.body.actionToken);
    const elsewhere = new ActionTokens({ issuer: stack.url, audience: 'https://bank.example' });
    await expect(elsewhere.accept(actionToken, expected)).rejects.toMatchObject({ code: 'invalid' });
    const claims = await tokens.accept(actionToken, expected);
    expect(claims).toMatchObject({
      sub: 'user:owner@example.com',
      act: { sub: runId },
      jti: permit.body.actionId,
      purpose: 'Update a dependency',
    });
    expect(claims.exp - claims.iat).toBeLessThanOrEqual(31);
    await expect(tokens.accept(actionToken, expected)).rejects.toMatchObject({ code: 'used' });
    // it is no token of a grant
    expect((await http(stack, 'GET', `/v1/grants/${grantId}`, { key: actionToken })).status).toBe(401);
    expect((await introspect(actionToken)).body).toEqual({ active: false });
  });

  it('is not issued again by a repeated request once the lease is suspended', async () => {
    const { grantId } = await openRun(stack);
    const body = call(grantId, { action: { verb: 'repo.read' }, token: { audience: AUDIENCE } });
    const headers = { 'idempotency-key': 'a call whose token is asked for twice' };
    const permit = await http(stack, 'POST', '/v1/actions', { key: key('enforcer'), body, headers });
    expect(permit.body).toMatchObject({ decision: 'permit', actionToken: expect.any(String) as string });
    const suspension = { key: key('responder'), body: { reason: 'x' } };
    expect((await http(stack, 'POST', `/v1/grants/${grantId}/suspension`, suspension)).status).toBe(200);
    const again = await http(stack, 'POST', '/v1/actions', { key: key('enforcer'), body, headers });
    expect(again.body).toMatchObject({ decision: 'permit', actionId: permit.body.actionId });
    expect(again.body).not.toHaveProperty('actionToken');
  });

  it('comes with a permit only, and not in a batch', async () => {
    const { grantId } = await openRun(stack);
    const denied = call(grantId, { action: { verb: 'repo.delete' }, token: { audience: AUDIENCE } });
    const answer = await http(stack, 'POST', '/v1/actions', { key: key('enforcer'), body: denied });
    expect(answer.body.decision).toBe('deny');
    expect(answer.body).not.toHaveProperty('actionToken');
    const batch = await http(stack, 'POST', '/v1/actions:batch', { key: key('enforcer'), body: { actions: [denied] } });
    expect(batch.status).toBe(400);
  });
});
