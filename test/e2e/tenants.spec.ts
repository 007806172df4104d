import { bailiwick } from '../support/cli';
import { databaseUrl, sql } from '../chaos/log';
import { http, Stack, until } from '../support/stack';
import { open, read } from './leases';
import { BailiwickClient } from '@bailiwick/client/client';

/** I9: a tenant can neither read, name nor change data of another tenant. */
describe('a tenant', () => {
  let stack: Stack;
  let acme: Record<string, string>;
  beforeAll(async () => {
    stack = await Stack.start();
    const made = await http(stack, 'POST', '/v1/tenants', { key: stack.keys.admin, body: { id: 'acme' } });
    expect(made.status).toBe(201);
    acme = made.body.keys as Record<string, string>;
  }, 120_000);
  afterAll(() => stack.stop());

  const asAcme = (role: string) => new BailiwickClient({ url: stack.url, key: acme[role] as string });

  it('has a separate log, whose positions start at 0', async () => {
    const { run, position } = await open(asAcme('orchestrator'));
    const page = await asAcme('analyst').events({ after: -1, minPosition: position });
    expect(page.items.map((item) => item.log)).toEqual(page.items.map(() => 'acme/0'));
    expect(page.items[0]?.position).toBe(0);
    expect(JSON.stringify(page.items)).toContain(run.id);
  });

  it('is completed by a repeated request if it has a log but no keys, as after a kill between the two', async () => {
    const add = async (...flags: string[]) => {
      const { code, out, err } = await bailiwick([
        '--data',
        stack.dataDir,
        '--json',
        'tenants',
        'add',
        'late',
        ...flags,
      ]);
      return { code, err, keys: code === 0 ? (JSON.parse(out) as { keys: Record<string, string> }).keys : {} };
    };
    const first = await add();
    expect([first.code, first.err]).toEqual([0, '']);
    // the state after such a kill: a log without keys
    await sql(
      databaseUrl(stack),
      `WITH next AS (UPDATE access_key_version SET n = n + 1 RETURNING n)
       UPDATE access_key SET revoked_at = now(), version = n FROM next WHERE tenant = 'late'`,
    );
    const opens = (keys: Record<string, string>) =>
      open(new BailiwickClient({ url: stack.url, key: keys.orchestrator as string })).then(
        () => 'ok',
        (error: unknown) => (error as { code?: string }).code,
      );
    await until('the lost keys to end', async () => (await opens(first.keys)) === 'UNAUTHENTICATED');
    const second = await add();
    expect(await opens(second.keys)).toBe('ok');

    expect((await add()).err).toContain('reissue');
    const third = await add('--reissue');
    expect(await opens(third.keys)).toBe('ok');
    expect(await opens(second.keys)).toBe('UNAUTHENTICATED');
  }, 60_000);

  it('gets NOT_FOUND for ids of another tenant in every request', async () => {
    const { run, grant } = await open(stack.as('orchestrator'));
    const permit = await stack.as('enforcer').act(read(grant.id));
    const unknown = `grt_0_${'0'.repeat(26)}`;
    const attempts: [string, string, string, unknown?][] = [
      ['analyst', 'GET', `/v1/runs/${run.id}`],
      ['analyst', 'GET', `/v1/grants/${grant.id}`],
      ['analyst', 'GET', `/v1/trees/${run.treeId}`],
      ['analyst', 'GET', `/v1/runs/${run.id}/receipt`],
      ['analyst', 'GET', `/v1/actions/${permit.actionId}/custody`],
      ['orchestrator', 'POST', `/v1/grants/${grant.id}/delegations`, { agent: { class: 'x' }, task: 'x', grant: {} }],
      ['enforcer', 'POST', '/v1/actions', read(grant.id)],
      ['enforcer', 'POST', `/v1/actions/${permit.actionId}/outcome`, { status: 'completed' }],
      ['orchestrator', 'POST', `/v1/runs/${run.id}/completion`, {}],
      ['responder', 'POST', `/v1/grants/${grant.id}/revocation`, { reason: 'x', subtree: true }],
    ];
    for (const [role, method, path, body] of attempts) {
      const foreign = await http(stack, method, path, { key: acme[role] as string, body });
      expect([method, path, foreign.status, foreign.body.code]).toEqual([method, path, 404, 'NOT_FOUND']);
    }
    const nothing = await http(stack, 'GET', `/v1/grants/${unknown}`, { key: acme.analyst as string });
    const foreign = await http(stack, 'GET', `/v1/grants/${grant.id}`, { key: acme.analyst as string });
    expect(String(foreign.body.detail).replace(grant.id, '')).toBe(String(nothing.body.detail).replace(unknown, ''));
    expect((await stack.as('analyst').grant(grant.id)).status).toBe('active');
  });

  it('cannot read the events, log or lists of another tenant, nor stop its agents', async () => {
    const { grant } = await open(stack.as('orchestrator'), {}, 'shared-class');
    const foreign = await http(stack, 'GET', '/v1/events?log=default/0', { key: acme.analyst as string });
    expect([foreign.status, foreign.body.code]).toEqual([404, 'NOT_FOUND']);
    // the tree's hashes are public: they reveal the number of events and none of their contents
    const isSigned = async () => (await http(stack, 'GET', '/log/default/0/checkpoint')).status === 200;
    await until('a checkpoint, which is signed every second', isSigned);
    const runs = await http(stack, 'GET', '/v1/runs', { key: acme.analyst as string });
    expect(JSON.stringify(runs.body)).not.toContain('shared-class');
    const preview = await asAcme('responder').previewRevocation({ agentClass: 'shared-class' });
    expect(preview.counts.grants).toBe(0);
    await asAcme('responder').revokeAll({
      selector: { agentClass: 'shared-class' },
      reason: 'x',
      digest: preview.digest,
    });
    expect((await stack.as('enforcer').act(read(grant.id))).decision).toBe('permit');
  });

  it('is created by the administrator of the installation only', async () => {
    expect(
      (await http(stack, 'POST', '/v1/tenants', { key: acme.admin as string, body: { id: 'other' } })).status,
    ).toBe(403);
    expect(
      (await http(stack, 'POST', '/v1/tenants', { key: stack.keys.orchestrator, body: { id: 'other' } })).status,
    ).toBe(403);
    expect((await http(stack, 'POST', '/v1/tenants', { key: stack.keys.admin, body: { id: 'acme' } })).status).toBe(
      409,
    );
    expect((await http(stack, 'POST', '/v1/tenants', { key: stack.keys.admin, body: { id: 'No Good' } })).status).toBe(
      400,
    );
  });
});
