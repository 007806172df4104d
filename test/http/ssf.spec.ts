import { createPublicKey, verify, type JsonWebKey } from 'node:crypto';
import { http, Stack } from '../support/stack';
import { openRun, type Opened } from './world';

const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';
type Json = Record<string, unknown>;

let stack: Stack;
let analyst: string;
beforeAll(async () => {
  stack = await Stack.tenant();
  analyst = stack.keys.analyst as string;
}, 120_000);
afterAll(() => stack.stop());

const as = async (key: string | undefined, method: string, path: string, body?: unknown) => {
  const answer = await http(stack, method, path, { ...(key === undefined ? {} : { key }), body });
  return { status: answer.status, body: answer.body };
};
const create = async (key = analyst): Promise<string> =>
  (await as(key, 'POST', '/v1/ssf/streams', {})).body.stream_id as string;
const poll = async (id: string, body: Json = {}, key = analyst) => {
  const answer = await as(key, 'POST', `/v1/ssf/streams/${id}/poll`, body);
  expect(answer.status).toBe(200);
  return answer.body as { sets: Record<string, string>; moreAvailable: boolean };
};
const revoke = (grantId: string) =>
  as(stack.keys.responder, 'POST', `/v1/grants/${grantId}/revocation`, { reason: 'a test', subtree: true });
async function child({ grantId, token }: Opened): Promise<string> {
  const body = { agent: { class: 'child' }, task: 'read', grant: {} };
  const answer = await as(token, 'POST', `/v1/grants/${grantId}/delegations`, body);
  return (answer.body.grant as { id: string }).id;
}

/** Reads a token by RFC 7515 and RFC 8417 alone: it shares no code with the transmitter, nor with jose. */
async function read(text: string): Promise<{ header: Json; claims: Json }> {
  const metadata = (await as(undefined, 'GET', '/.well-known/ssf-configuration')).body;
  const jwks = (await (await fetch(String(metadata.jwks_uri))).json()) as { keys: (JsonWebKey & { kid: string })[] };
  const [head = '', body = '', signature = ''] = text.split('.');
  const parse = (part: string): Json => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json;
  const [header, claims] = [parse(head), parse(body)];
  const key = jwks.keys.find(({ kid }) => kid === header.kid);
  expect(header).toMatchObject({ alg: 'EdDSA', typ: 'secevent+jwt' });
  const signed = verify(
    null,
    Buffer.from(`${head}.${body}`),
    createPublicKey({ key: key!, format: 'jwk' }),
    Buffer.from(signature, 'base64url'),
  );
  expect([signed, claims.iss]).toEqual([true, metadata.issuer]);
  for (const name of ['exp', 'sub']) expect(claims).not.toHaveProperty(name);
  return { header, claims };
}
const grantsIn = async (sets: Record<string, string>): Promise<unknown[]> =>
  Promise.all(Object.values(sets).map(async (text) => ((await read(text)).claims.sub_id as { id: string }).id));

describe('a stream of security events', () => {
  it('has one session-revoked for each lease that a revocation ends, until it is acknowledged', async () => {
    const id = await create();
    const run = await openRun(stack);
    const leases = [run.grantId, await child(run), await child(run)];
    expect(await poll(id)).toEqual({ sets: {}, moreAvailable: false });
    await revoke(run.grantId);
    const { sets } = await poll(id);
    expect(new Set(await grantsIn(sets))).toEqual(new Set(leases));
    const [jti, text] = Object.entries(sets)[0] as [string, string];
    const { claims } = await read(text);
    const view = (await as(analyst, 'GET', `/v1/ssf/streams?stream_id=${id}`)).body;
    expect(claims).toMatchObject({ jti, aud: view.aud, txn: expect.any(String) as string });
    expect(claims.events).toMatchObject({ [SESSION_REVOKED]: { initiating_entity: 'admin' } });
    expect(text).not.toContain('owner@');

    expect(await poll(id)).toEqual({ sets, moreAvailable: false }); // the same tokens, byte for byte
    const [first = '', ...others] = Object.keys(sets);
    // what is acknowledged out of order is delivered again, since what is before it is not acknowledged
    expect(Object.keys((await poll(id, { ack: others })).sets)).toEqual([first, ...others]);
    const second = await poll(id, { ack: [first], maxEvents: 1 });
    expect([Object.keys(second.sets), second.moreAvailable]).toEqual([[others[0]], true]);
    const refused = { [others[1] as string]: { err: 'invalid_request', description: 'no' } };
    expect((await poll(id, { ack: [others[0] as string], setErrs: refused })).sets).toEqual({});
    expect((await poll(id)).sets).toEqual({});
  });

  it('has nothing for a suspension, and no event from before it was created', async () => {
    const [before, held] = [await openRun(stack), await openRun(stack)];
    await revoke(before.grantId);
    const id = await create();
    await as(stack.keys.responder, 'POST', `/v1/grants/${held.grantId}/suspension`, { reason: 'a test' });
    const selector = { treeId: held.treeId };
    await as(stack.keys.responder, 'POST', '/v1/revocations', { selector, reason: 'x', mode: 'suspend', force: true });
    expect((await poll(id)).sets).toEqual({});
    await as(stack.keys.responder, 'POST', '/v1/revocations', { selector, reason: 'x', force: true });
    expect(await grantsIn((await poll(id)).sets)).toEqual([held.grantId]);
  });

  it('keeps events while it is paused, and has none of the time in which it is disabled', async () => {
    const id = await create();
    const set = (status: string) => as(analyst, 'POST', '/v1/ssf/status', { stream_id: id, status, reason: 'a test' });
    const ended = async (): Promise<string> => {
      const { grantId } = await openRun(stack);
      await revoke(grantId);
      return grantId;
    };
    await set('paused');
    const held = await ended();
    expect((await poll(id)).sets).toEqual({});
    expect((await as(analyst, 'GET', `/v1/ssf/status?stream_id=${id}`)).body).toMatchObject({ status: 'paused' });
    await set('enabled');
    expect(await grantsIn((await poll(id)).sets)).toEqual([held]);
    await set('disabled');
    await ended();
    await set('enabled');
    expect((await poll(id)).sets).toEqual({});
    const late = await ended();
    expect(await grantsIn((await poll(id)).sets)).toEqual([late]);
  });

  it('is verified on request, at most every ten seconds', async () => {
    const id = await create();
    const ask = () => as(analyst, 'POST', '/v1/ssf/verification', { stream_id: id, state: 'abc' });
    expect((await ask()).status).toBe(204);
    expect((await ask()).status).toBe(429);
    const { sets } = await poll(id);
    const [jti, text] = Object.entries(sets)[0] as [string, string];
    const { claims } = await read(text);
    expect(claims).toMatchObject({ sub_id: { format: 'opaque', id }, events: { [VERIFICATION]: { state: 'abc' } } });
    expect((await poll(id, { ack: [jti] })).sets).toEqual({});
  });

  it('is changed and replaced, but not in the members of the transmitter', async () => {
    const id = await create();
    const change = (method: string, body: Json) => as(analyst, method, '/v1/ssf/streams', { stream_id: id, ...body });
    const none = await change('PATCH', { events_requested: ['https://example.com/other'], description: 'mine' });
    expect(none).toMatchObject({ status: 200, body: { events_delivered: [], description: 'mine' } });
    const { grantId } = await openRun(stack);
    await revoke(grantId);
    expect((await poll(id)).sets).toEqual({});
    const replaced = await change('PUT', { iss: none.body.iss, aud: none.body.aud });
    expect(replaced.body).toMatchObject({ events_delivered: [SESSION_REVOKED] });
    expect(replaced.body).not.toHaveProperty('description');
    expect((await poll(id)).sets).toEqual({}); // it did not ask for it at that time
    for (const wrong of [{ aud: 'https://elsewhere.example' }, { delivery: { method: 'urn:ietf:rfc:8935' } }])
      expect((await change('PATCH', wrong)).status).toBe(400);
  });

  it('belongs to one receiver of one tenant: for others it does not exist (I9)', async () => {
    const id = await create();
    const other = await stack.another();
    for (const key of [stack.keys.enforcer, other.keys.analyst] as string[]) {
      expect((await as(key, 'POST', `/v1/ssf/streams/${id}/poll`, {})).status).toBe(404);
      expect((await as(key, 'GET', `/v1/ssf/streams?stream_id=${id}`)).status).toBe(404);
      expect((await as(key, 'DELETE', `/v1/ssf/streams?stream_id=${id}`)).status).toBe(404);
      expect((await as(key, 'GET', '/v1/ssf/streams')).body).toEqual([]);
    }
    const theirs = await create(other.keys.analyst);
    const { grantId } = await openRun(stack);
    await revoke(grantId);
    expect((await poll(theirs, {}, other.keys.analyst)).sets).toEqual({});
    expect(await grantsIn((await poll(id)).sets)).toEqual([grantId]);
    expect((await as(analyst, 'DELETE', `/v1/ssf/streams?stream_id=${id}`)).status).toBe(204);
    expect((await as(analyst, 'POST', `/v1/ssf/streams/${id}/poll`, {})).status).toBe(404);
  });

  it('is created once for an Idempotency-Key', async () => {
    const headers = { authorization: `Bearer ${analyst}`, 'content-type': 'application/json', 'idempotency-key': 'k' };
    const ids = [];
    for (let i = 0; i < 2; i += 1) {
      const response = await fetch(`${stack.url}/v1/ssf/streams`, { method: 'POST', headers, body: '{}' });
      ids.push(((await response.json()) as { stream_id: string }).stream_id);
    }
    expect(ids[0]).toBe(ids[1]);
  });
});
