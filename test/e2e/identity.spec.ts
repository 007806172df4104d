import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { signingKey, TestIssuer } from '../../apps/gateway/src/testing/issuer';
import { bailiwick, type Ran } from '../support/cli';
import { OpenIdProvider } from '../support/openid-provider';
import { scratch } from '../support/servers';
import { http, Stack, until } from '../support/stack';
import { call, GRANT, openRun, RUN, type LogEvent } from '../http/world';

const SIGNALS = 'https://bailiwick.example/v1/signals/idp';
const SIGNALS_SECRET = 'the-secret-of-the-transmitter';
const AUDIENCE = 'https://bailiwick.example/api';

let provider: OpenIdProvider;
let stack: Stack;
let transmitter: TestIssuer;
beforeAll(async () => {
  provider = await OpenIdProvider.start(AUDIENCE);
  const dir = scratch();
  const issuer = {
    issuer: provider.url,
    audience: AUDIENCE,
    clients: ['bailiwick-cli'],
    person: { claim: 'email' },
    roles: { claim: 'roles', values: { 'bw-approver': 'approver', 'bw-analyst': 'analyst' } },
    groups: { claim: 'groups' },
    login: { clientId: 'bailiwick-cli', scope: 'openid email api', resource: AUDIENCE },
  };
  writeFileSync(join(dir, 'issuers.json'), JSON.stringify({ issuers: [issuer] }));
  transmitter = await TestIssuer.start(signingKey('one'));
  const signals = {
    name: 'idp',
    issuer: transmitter.url,
    jwksUri: `${transmitter.url}/jwks`,
    audience: SIGNALS,
    push: { secretSha256: createHash('sha256').update(SIGNALS_SECRET).digest('hex') },
    subjects: [{ format: 'email', domains: ['example.com'], names: 'principal', prefix: 'user:' }],
  };
  writeFileSync(join(dir, 'signals.json'), JSON.stringify({ transmitters: [signals] }));
  stack = await Stack.start({}, [], dir);
}, 120_000);
afterAll(async () => {
  await stack.stop();
  await provider.stop();
  await transmitter.stop();
});

type Json = Record<string, unknown>;
interface Key {
  readonly id: string;
  readonly key: string;
  readonly ref: string;
}
const as = (key: string, method: string, path: string, body?: unknown) => http(stack, method, path, { key, body });
async function issue(body: Json): Promise<Key> {
  const answer = await as(stack.keys.admin as string, 'POST', '/v1/keys', body);
  expect(answer.status).toBe(201);
  return answer.body as unknown as Key;
}
async function asked(): Promise<string> {
  const body = { ...RUN, requireApproval: true };
  const answer = await as(stack.keys.orchestrator as string, 'POST', '/v1/runs', body);
  return (answer.body.approval as { id: string }).id;
}
async function eventsOf(type: string): Promise<LogEvent[]> {
  const { body } = await as(stack.keys.analyst as string, 'GET', `/v1/events?type=${type}&limit=1000`);
  return body.items as LogEvent[];
}
const cli = (data: string, ...args: string[]): Promise<Ran> =>
  bailiwick(['--url', stack.url, '--data', data, '--json', ...args]);

describe('a key', () => {
  it('of a person is named in the events of what they do, with role, groups and the key', async () => {
    const ada = await issue({
      name: 'ada-laptop',
      role: 'approver',
      person: 'user:ada@example.com',
      groups: ['finance'],
    });
    const decided = await as(ada.key, 'POST', `/v1/approvals/${await asked()}/decision`, { verdict: 'approve' });
    expect(decided.status).toBe(200);
    const given = (await eventsOf('ApprovalGiven')).at(-1);
    const actor = { kind: 'person', id: ada.ref, role: 'approver', groups: ['finance'], via: ada.id };
    expect(given).toMatchObject({ actor, data: { by: ada.ref } });
    const refused = await as(ada.key, 'GET', '/v1/keys');
    expect(refused.status).toBe(403);
  });

  it('is recorded without its secret, and returned only once', async () => {
    const made = await issue({ name: 'robot', role: 'analyst' });
    const recorded = (await eventsOf('KeyChanged')).filter(({ data }) => data.keyId === made.id);
    expect(recorded).toMatchObject([{ actor: { id: 'key:admin' }, data: { change: 'issued', name: 'robot' } }]);
    const listed = await as(stack.keys.admin as string, 'GET', '/v1/keys');
    const secret = made.key.slice(-30);
    expect(JSON.stringify([recorded, listed.body])).not.toContain(secret);
    expect(readFileSync(join(stack.dataDir, 'logs', 'gateway.log'), 'utf8')).not.toContain(secret);
  });

  it('in a URL is no credential, and is repeated in no answer and no log', async () => {
    const { key } = await issue({ name: 'in-url', role: 'analyst' });
    const secret = key.slice(-30);
    for (const [method, path] of [
      ['GET', `/v1/runs?key=${key}`],
      ['GET', `/v1/runs?access_token=${key}`],
      ['GET', `/v1/events/stream?access_token=${key}`],
      ['POST', `/oauth/token?client_id=in-url&client_secret=${key}&grant_type=client_credentials`],
    ] as const) {
      const answer = await fetch(stack.url + path, { method });
      // with a credential these would be 400: they take no such parameter
      expect([path, answer.status]).toEqual([path, method === 'POST' ? 400 : 401]);
      expect((await answer.text()) + JSON.stringify([...answer.headers])).not.toContain(secret);
    }
    for (const name of ['gateway.log', 'delegation.log'])
      expect(readFileSync(join(stack.dataDir, 'logs', name), 'utf8')).not.toContain(secret);
    expect((await as(key, 'GET', '/v1/runs?limit=1')).status).toBe(200);
  });

  it('that signs a person in to the console is in the log, without the secrets of the link and the session', async () => {
    const ben = await issue({ name: 'ben-laptop', role: 'analyst', person: 'user:ben@example.com' });
    const { body: link } = await as(ben.key, 'POST', '/v1/session-links', { keys: [] });
    const code = String(link.url).split('#code=')[1] as string;
    const headers = { 'content-type': 'application/json', origin: stack.url };
    const body = JSON.stringify({ code });
    const signedIn = await fetch(`${stack.url}/v1/session`, { method: 'POST', headers, body });
    expect(signedIn.status).toBe(201);
    const session = String(signedIn.headers.getSetCookie()[0]).split(/[=;]/)[1] as string;
    await until('the record', async () => (await eventsOf('SessionChanged')).length > 0);
    const events = await eventsOf('SessionChanged');
    expect(events).toMatchObject([{ actor: { id: ben.ref, via: ben.id }, data: { change: 'started', with: 'link' } }]);
    for (const secret of [code, session, 'ben@']) expect(JSON.stringify(events)).not.toContain(secret);
  });

  it('is rotated with an overlap and revoked at once, by the command line', async () => {
    const run = (...args: string[]) => bailiwick(['--data', stack.dataDir, '--json', 'keys', ...args]);
    const added = await run('add', '--name', 'ci', '--role', 'analyst', '--group', 'robots');
    expect([added.code, added.err]).toEqual([0, '']);
    const first = JSON.parse(added.out) as Key;
    const second = JSON.parse((await run('rotate', first.id, '--overlap', '1h')).out) as Key;
    const statuses = async () =>
      Promise.all([first, second].map(async ({ key }) => (await as(key, 'GET', '/v1/runs?limit=1')).status));
    expect(await statuses()).toEqual([200, 200]);
    await run('rotate', first.id, '--overlap', '0s');
    expect(await statuses()).toEqual([401, 401]);
    const third = JSON.parse((await run('rotate', first.id)).out) as Key;
    expect((await run('revoke', first.id)).code).toBe(0);
    expect((await as(third.key, 'GET', '/v1/runs?limit=1')).status).toBe(401);
    const listed = JSON.parse((await run('list')).out) as { id: string; status: string }[];
    expect(listed.find(({ id }) => id === first.id)).toMatchObject({ status: 'revoked', groups: ['robots'] });
    const changes = (await eventsOf('KeyChanged')).filter(({ data }) => data.keyId === first.id);
    expect(changes.map(({ data }) => data.change)).toEqual(['issued', 'rotated', 'rotated', 'rotated', 'revoked']);
  }, 60_000);

  it.each([
    ['without a role and a person', { name: 'nothing' }],
    ['with the name of a key of a role', { name: 'approver', role: 'analyst' }],
    ['with a person that looks like another', { name: 'evil', role: 'analyst', person: 'user:ad\u0430@example.com' }],
    ['that has expired', { name: 'late', role: 'analyst', expiresAt: '2026-01-01T00:00:00Z' }],
    ['with unknown members', { name: 'x', role: 'analyst', roles: ['admin'] }],
  ])('is not issued %s', async (_what, body) => {
    expect((await as(stack.keys.admin as string, 'POST', '/v1/keys', body)).status).toBe(400);
  });

  it.each(['key', 'access_token', 'authorization'])('in the URL as %s is no credential', async (name) => {
    const url = `/v1/runs?${name}=${encodeURIComponent(stack.keys.admin as string)}`;
    expect((await http(stack, 'GET', url)).status).toBe(401);
  });

  it('of a tenant reaches no key of another (I9)', async () => {
    const made = await as(stack.keys.admin as string, 'POST', '/v1/tenants', { id: 'acme' });
    const acme = (made.body.keys as Record<string, string>).admin as string;
    const ours = await issue({ name: 'ours', role: 'analyst' });
    expect((await as(acme, 'DELETE', `/v1/keys/${ours.id}`)).status).toBe(404);
    expect((await as(acme, 'POST', `/v1/keys/${ours.id}/rotation`, {})).status).toBe(404);
    const listed = await as(acme, 'GET', '/v1/keys');
    expect(JSON.stringify(listed.body)).not.toContain(ours.id);
    expect((await as(ours.key, 'GET', '/v1/runs?limit=1')).status).toBe(200);
  });
});

describe('a person without a role', () => {
  it('sees what runs in their name and stops it, and nothing of others', async () => {
    const bob = await issue({ name: 'bob', person: 'user:owner@example.com' });
    const eve = await issue({ name: 'eve', person: 'user:eve@example.com' });
    const run = await openRun(stack);
    await as(stack.keys.enforcer as string, 'POST', '/v1/actions', call(run.grantId));
    const mine = await as(bob.key, 'GET', `/v1/mine?minPosition=${run.position}`);
    expect(mine.body).toMatchObject({ person: 'user:owner@example.com', ref: bob.ref, roles: [] });
    const items = mine.body.items as { run: { id: string }; grant: { id: string; consumed: Json } }[];
    expect(items.find((each) => each.run.id === run.runId)?.grant).toMatchObject({
      id: run.grantId,
      consumed: { calls: 1 },
    });
    const did = await as(bob.key, 'GET', `/v1/mine/actions?runId=${run.runId}&minPosition=${run.position + 1}`);
    expect(did.body.items).toMatchObject([{ verb: 'repo.read' }]);
    for (const [method, path] of [
      ['GET', '/v1/runs'],
      ['GET', `/v1/grants/${run.grantId}`],
      ['POST', '/v1/keys'],
    ] as const)
      expect((await as(bob.key, method, path, method === 'GET' ? undefined : {})).status).toBe(403);

    expect((await as(eve.key, 'GET', `/v1/mine/actions?runId=${run.runId}`)).status).toBe(404);
    expect((await as(eve.key, 'GET', '/v1/mine')).body.items).toEqual([]);
    const stop = { reason: 'enough', subtree: true };
    expect((await as(eve.key, 'POST', `/v1/grants/${run.grantId}/revocation`, stop)).status).toBe(404);
    expect((await as(bob.key, 'POST', `/v1/grants/${run.grantId}/revocation`, stop)).status).toBe(200);
    const grant = await as(stack.keys.analyst as string, 'GET', `/v1/grants/${run.grantId}`);
    expect(grant.body.status).toBe('revoked');
  });

  it('sees and stops what they approved: as the first of several, a call, or more of a lease', async () => {
    const person = (name: string, role?: string) => issue({ name, role, person: `user:${name}@example.com` });
    const [first, last, raiser] = [
      await person('fay', 'approver'),
      await person('lou', 'approver'),
      await person('ray', 'approver'),
    ];
    const stranger = await person('sam', 'approver');
    const two = 'approvals:\n  - { name: two, needed: 2, kinds: [action] }\n  - { name: one }\n';
    const { current } = await stack.as('admin').policies();
    await stack.as('admin').deployPolicy({ 'approvals.yaml': two }, current);
    const run = await openRun(stack, { ...GRANT, risk: { ceiling: 'high', approvalFrom: 'low' } });
    const asked = await as(stack.keys.enforcer as string, 'POST', '/v1/actions', {
      ...call(run.grantId),
      action: { verb: 'repo.read', args: { path: 'a' } },
    });
    expect(asked.body).toMatchObject({ decision: 'step-up' });
    for (const { key } of [first, last]) {
      const path = `/v1/approvals/${String(asked.body.approvalId)}/decision`;
      expect((await as(key, 'POST', path, { verdict: 'approve' })).status).toBe(200);
    }
    const more = { want: { budget: { calls: 1_000 } }, reason: 'there are more files' };
    const raise = await as(run.token, 'POST', `/v1/runs/${run.runId}/escalations`, more);
    expect(raise.status).toBe(202);
    const raised = await as(raiser.key, 'POST', `/v1/approvals/${String((raise.body.approval as Json).id)}/decision`, {
      verdict: 'approve',
    });
    expect(raised.status).toBe(200);
    const position = Number(raised.body.position);
    for (const each of [first, last, raiser, stranger]) {
      const isApprover = each !== stranger;
      const mine = await as(each.key, 'GET', `/v1/mine?as=approver&minPosition=${position}`);
      const ids = (mine.body.items as { run: { id: string } }[]).map((item) => item.run.id);
      expect(ids.includes(run.runId)).toBe(isApprover);
      const did = await as(each.key, 'GET', `/v1/mine/actions?runId=${run.runId}`);
      expect(did.status).toBe(isApprover ? 200 : 404);
    }
    const found = await as(stack.keys.analyst as string, 'GET', `/v1/runs/${run.runId}`);
    const id = String(found.body.grantId);
    const stop = { reason: 'enough', subtree: true };
    expect((await as(stranger.key, 'POST', `/v1/grants/${id}/revocation`, stop)).status).toBe(404);
    expect((await as(first.key, 'POST', `/v1/grants/${id}/revocation`, stop)).status).toBe(200);
  });

  it('opens runs in their own name only, with the role for it', async () => {
    const ada = await issue({ name: 'ada-runs', role: 'orchestrator', person: 'user:ada@example.com' });
    expect((await as(ada.key, 'POST', '/v1/runs', RUN)).body).toMatchObject({ code: 'FORBIDDEN' });
    const own = await as(ada.key, 'POST', '/v1/runs', { ...RUN, requestedBy: 'user:Ada@example.com' });
    expect(own.status).toBe(201);
    expect(own.body.run).toMatchObject({ requestedByStatedBy: ada.ref });
  });
});

describe('a security event of the identity provider', () => {
  const push = async (jti: string, email: string, type: string): Promise<number> => {
    const claims = { iss: transmitter.url, aud: SIGNALS, jti, iat: Math.floor(Date.now() / 1_000) };
    const events = { [`https://schemas.openid.net/secevent/${type}`]: {} };
    const set = await transmitter.sign(
      { ...claims, sub_id: { format: 'email', email }, events },
      { typ: 'secevent+jwt' },
    );
    sent.set(jti, set);
    return pushed(set);
  };
  const sent = new Map<string, string>();
  const pushed = async (body: string): Promise<number> => {
    const headers = { authorization: `Bearer ${SIGNALS_SECRET}`, 'content-type': 'application/secevent+jwt' };
    return (await fetch(`${stack.url}/v1/signals/idp`, { method: 'POST', headers, body })).status;
  };

  it('stops the agents of the person before it is acknowledged, once, until a responder resumes them', async () => {
    const body = { ...RUN, requestedBy: 'user:grace@example.com' };
    const { grant } = (await as(stack.keys.orchestrator as string, 'POST', '/v1/runs', body)).body as unknown as {
      grant: { id: string };
    };
    const decision = async (): Promise<unknown> =>
      (await as(stack.keys.enforcer as string, 'POST', '/v1/actions', call(grant.id))).body.decision;
    expect(await decision()).toBe('permit');
    expect(await push('one', 'Grace@example.com', 'caep/event-type/session-revoked')).toBe(202);
    expect(await decision()).toBe('deny');

    const [added] = await eventsOf('RevocationRuleAdded');
    expect(added).toMatchObject({
      actor: { kind: 'service', id: 'signals:idp', via: transmitter.url },
      data: { mode: 'suspend' },
    });
    const { revocationId } = added!.data as { revocationId: string };
    const resumed = await as(stack.keys.responder as string, 'POST', `/v1/revocations/${revocationId}/resumption`, {
      reason: 'signed in again',
    });
    expect(resumed.status).toBe(200);
    expect(await pushed(sent.get('one') as string)).toBe(202);
    expect(await decision()).toBe('permit');
    expect(await eventsOf('RevocationRuleAdded')).toHaveLength(1);
  });

  it('about someone without agents, or of another type, is recorded without a name, and stops nothing', async () => {
    expect(await push('two', 'mary@example.com', 'risc/event-type/account-disabled')).toBe(202);
    expect(await push('three', 'grace@example.com', 'caep/event-type/token-claims-change')).toBe(202);
    await until('the records', async () => (await eventsOf('SignalReceived')).length === 2);
    const events = await eventsOf('SignalReceived');
    expect(events).toMatchObject([
      { data: { transmitter: 'idp', outcome: 'nothingLive' } },
      { data: { transmitter: 'idp', outcome: 'ignored' } },
    ]);
    expect(JSON.stringify(events)).not.toMatch(/grace|mary|"two"/i);
    expect(await eventsOf('RevocationRuleAdded')).toHaveLength(1);
  });
});

describe('bailiwick login', () => {
  const data = scratch();
  /** Starts a sign-in and waits for what it asks the person to do. */
  function login(...flags: string[]): { prompt: Promise<string>; done: Promise<number | null> } {
    const bin = resolve(__dirname, '../../bin/bailiwick.mjs');
    const args = [...BUILT_FLAGS, bin, '--url', stack.url, '--data', data, 'login', ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let text = '';
    const prompt = new Promise<string>((found, failed) => {
      child.stderr.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (/\n(http|.*code)|code \S+\n/.test(text)) found(text);
      });
      child.once('close', () => failed(new Error(text)));
    });
    return { prompt, done: new Promise((closed) => child.once('close', closed)) };
  }

  it('signs a person in with a browser, whose roles and groups come from the issuer', async () => {
    const { prompt, done } = login();
    const address = /http\S+/.exec(await prompt)?.[0] as string;
    const query = new URL(address).searchParams;
    expect(query.get('code_challenge_method')).toBe('S256');
    const callback = query.get('redirect_uri') as string;
    // a page of someone else ends nothing: it does not know the state
    const forged = `?code=theirs&state=${'x'.repeat(43)}&iss=${encodeURIComponent(provider.url)}`;
    for (const wrong of [forged, '?code=theirs', '', `/../?redirect=https://evil.example`]) {
      const answer = await fetch(callback + wrong, { redirect: 'manual' });
      expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
    }
    expect(await provider.browse(address, 'ada')).toContain('You are signed in');
    expect(await done).toBe(0);
    expect(statSync(join(data, 'login.json')).mode & 0o777).toBe(0o600);

    const mine = await cli(data, 'mine');
    expect(JSON.parse(mine.out)).toMatchObject({
      person: 'user:ada@example.com',
      roles: ['approver', 'analyst'],
      groups: ['finance'],
    });
    const { token } = JSON.parse(readFileSync(join(data, 'login.json'), 'utf8')) as { token: string };
    await as(token, 'POST', `/v1/approvals/${await asked()}/decision`, { verdict: 'deny' });
    const given = (await eventsOf('ApprovalGiven')).at(-1);
    expect(given?.actor).toMatchObject({ kind: 'person', role: 'approver', groups: ['finance'], via: provider.url });
    expect((await as(token, 'GET', '/v1/events?limit=1')).status).toBe(200);
    expect((await as(token, 'GET', '/v1/keys')).status).toBe(403);
    expect((await as(`${token.slice(0, -4)}AAAA`, 'GET', '/v1/mine')).status).toBe(401);

    // the sign-in is in the log, once for the token, without it
    const signIns = async () => (await eventsOf('SessionChanged')).filter(({ data }) => data.with === 'token');
    await until('the record', async () => (await signIns()).length > 0);
    expect(await signIns()).toMatchObject([{ actor: { ...given?.actor }, data: { change: 'started', with: 'token' } }]);
    for (const secret of [token, token.split('.')[2] as string, 'ada@'])
      expect(JSON.stringify(await signIns())).not.toContain(secret);
  }, 60_000);

  it('signs a person in on another device, without a role', async () => {
    const { prompt, done } = login('--device');
    const [, address = '', code = ''] = /Open (\S+) and enter the code (\S+)/.exec(await prompt) ?? [];
    await provider.browse(address, 'bob', { user_code: code });
    expect(await done).toBe(0);
    expect(JSON.parse((await cli(data, 'mine')).out)).toMatchObject({ person: 'user:bob@example.com', roles: [] });
    const refused = await cli(data, 'keys', 'list');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('a person without a role')]);
    expect((await cli(data, 'logout')).code).toBe(0);
    expect((await cli(data, 'mine')).code).toBe(2);
  }, 60_000);
});

// last: it adds a rule to the log, and the tests above count rules
it('offboarding states that an account at the identity provider still signs the person in', async () => {
  const args = ['--data', stack.dataDir, 'offboard', 'user:leaver@example.com', '--reason', 'left the company'];
  const { code, out } = await bailiwick(args);
  expect([code, out]).toEqual([0, expect.stringContaining(`an account at ${provider.url} still signs them in`)]);
});
