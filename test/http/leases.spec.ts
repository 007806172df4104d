import { BailiwickClient } from '@bailiwick/client/client';
import { open, WIDE } from '../e2e/leases';
import { http, Stack } from '../support/stack';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { call, GRANT, head, openRun, RUN, shorten } from './world';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.tenant();
}, 120_000);
afterAll(() => stack.stop());

const post = (path: string, key: string | undefined, body: unknown) => http(stack, 'POST', path, { key, body });
const decide = async (grantId: string, more = {}) =>
  (await post('/v1/actions', stack.keys.enforcer, call(grantId, more))).body;

async function claimsOf(runId: string): Promise<unknown> {
  const receipt = await stack.as('analyst').receipt(runId, await head(stack));
  const { steps, statement } = verifyReceipt(receipt, await stack.as('analyst').verifierKey(stack.log));
  expect(steps.filter((step) => !step.ok)).toEqual([]);
  return statement?.predicate;
}

describe('a lease over time', () => {
  it('is renewed by its own token, whose successor is accepted', async () => {
    const { grantId, token } = await openRun(stack);
    await shorten(stack, grantId);
    const { status, body } = await post(`/v1/grants/${grantId}/renewal`, token, {});
    expect(status).toBe(200);
    const { expiresAt, token: next } = body as { expiresAt: string; token: string };
    const grant = await http(stack, 'GET', `/v1/grants/${grantId}`, { key: next });
    expect((grant.body as { limits: { time: { expiresAt: string } } }).limits.time.expiresAt).toBe(expiresAt);
    const { status: acts } = await post('/v1/actions', next, call(grantId));
    expect(acts).toBe(200);
  });

  it('is not renewed with the token of another run', async () => {
    const [one, other] = [await openRun(stack), await openRun(stack)];
    const { status, body } = await post(`/v1/grants/${one.grantId}/renewal`, other.token, {});
    expect([status, body.code]).toEqual([403, 'FORBIDDEN']);
    const plain = await openRun(stack, { ...GRANT, time: { ttl: '1h' } });
    const refused = await post(`/v1/grants/${plain.grantId}/renewal`, plain.token, {});
    expect([refused.status, refused.body.code]).toEqual([403, 'RENEWAL_NOT_ALLOWED']);
  });

  it('is narrowed at once for what is below it, and a receipt lists all of it', async () => {
    const root = await openRun(stack);
    const body = { agent: RUN.agent, task: 'part of it', grant: {} };
    const child = (await post(`/v1/grants/${root.grantId}/delegations`, root.token, body)).body;
    const { id } = child.grant as { id: string };
    expect(await decide(id, { action: { verb: 'repo.commit', args: {} } })).toMatchObject({ decision: 'permit' });
    await shorten(stack, root.grantId);
    expect((await post(`/v1/grants/${root.grantId}/renewal`, root.token, {})).status).toBe(200);
    const narrowing = { grant: { actions: { allow: ['repo.read'] } }, reason: 'no more commits' };
    const done = await post(`/v1/grants/${root.grantId}/narrowing`, stack.keys.responder, narrowing);
    expect(done.status).toBe(200);
    expect(await decide(id, { action: { verb: 'repo.commit', args: {} } })).toMatchObject({ decision: 'deny' });
    expect(await decide(id)).toMatchObject({ decision: 'permit' });
    const wider = await post(`/v1/grants/${root.grantId}/narrowing`, root.token, { ...narrowing, grant: GRANT });
    expect([wider.status, wider.body.code]).toEqual([403, 'NARROWING_WIDENS']);
    await post(`/v1/runs/${root.runId}/completion`, root.token, {});
    expect(await claimsOf((child.run as { id: string }).id)).toMatchObject({
      renewals: [{ grantId: root.grantId, times: 1 }],
      narrowings: [{ by: 'key:responder' }, { grantId: root.grantId, by: 'key:responder' }],
    });
  });

  it('ends with the action that it names, which is the reason in the receipt', async () => {
    const endsOn = [{ actions: ['repo.commit'], resources: [{ type: 'repo', match: 'acme/**' }] }];
    const { grantId, runId } = await openRun(stack, { ...GRANT, time: { ttl: '1h', endsOn } });
    const { actionId } = await decide(grantId, { action: { verb: 'repo.commit', args: {} } });
    await post(`/v1/actions/${String(actionId)}/outcome`, stack.keys.enforcer, { status: 'completed' });
    expect(await decide(grantId)).toMatchObject({ decision: 'deny' });
    const reason = `completed: repo.commit was completed (${String(actionId)}), which ends this lease`;
    expect(await claimsOf(runId)).toMatchObject({ ended: { reason } });
  });
});

describe('obligations and conditions', () => {
  const ROWS = { kind: 'max_rows', rows: 50 } as const;
  const MARK = { kind: 'watermark', text: 'internal' } as const;
  const client = (understands?: string[] | 'all') =>
    new BailiwickClient({
      url: stack.url,
      key: stack.keys.enforcer as string,
      ...(understands ? { understands } : {}),
    });
  const evaluate = async (grantId: string, context: object) =>
    (
      await http(stack, 'POST', '/access/v1/evaluation', {
        key: stack.keys.enforcer as string,
        body: {
          subject: { type: 'grant', id: grantId },
          action: { name: 'file.read' },
          resource: { type: 'file', id: 'a' },
          context,
        },
      })
    ).body;
  const call = (grantId: string) => ({
    grantId,
    action: { verb: 'file.read' },
    resource: { type: 'file', id: 'a' },
  });

  it('of a lease and of the policy are answered with a permit, which is a denial for a point without them', async () => {
    const { grant, run } = await open(stack.as('orchestrator'), { ...WIDE, obligations: [ROWS] });
    expect(grant.limits.obligations).toEqual([ROWS]);
    await stack.as('admin').deployPolicy(
      {
        'files.yaml': `catalog:
  - { match: [file.read], effects: [read], risk: low, obligations: [{ kind: watermark, text: internal }] }
conditions:
  - cedar: '@id("no-other") forbid (principal, action, resource) when { context.verb != "file.read" };'
`,
      },
      0,
    );
    const permit = await client('all').act(call(grant.id));
    expect(permit).toMatchObject({ decision: 'permit', obligations: ['report-outcome', ROWS, MARK] });
    const applied = await client(['max_rows', 'watermark']).act(call(grant.id));
    expect(applied.decision).toBe('permit');

    const { answers } = await client(['max_rows']).actAll([call(grant.id), call(grant.id)]);
    expect(answers).toMatchObject([1, 2].map(() => ({ decision: 'deny', reasons: UNKNOWN })));
    const before = (await stack.as('analyst').grant(grant.id)).consumed.calls;
    const converted = await client().act(call(grant.id));
    expect(converted).toMatchObject({ decision: 'deny', reasons: UNKNOWN, obligations: [] });
    const settled = await stack.as('analyst').grant(grant.id);
    expect(settled.consumed.calls - before).toBe(1);

    expect(await evaluate(grant.id, { dryRun: true })).toMatchObject({
      decision: true,
      context: { obligations: [ROWS, MARK] },
    });
    expect(await evaluate(grant.id, { dryRun: true, understands: [] })).toMatchObject({ decision: false });
    const other = await client('all').act({ ...call(grant.id), action: { verb: 'file.write' } });
    expect(await claimsOf(run.id)).toMatchObject({
      actions: [1, 2, 3].map(() => ({ verb: 'file.read', obligations: [ROWS, MARK] })),
    });
    expect(other).toMatchObject({
      decision: 'deny',
      reasons: expect.arrayContaining([
        expect.objectContaining({ rule: 'condition', code: 'CONDITION_FORBIDS', actual: 'no-other' }),
      ]) as unknown,
    });
  });
  const UNKNOWN = expect.arrayContaining([
    expect.objectContaining({ rule: 'obligations', code: 'OBLIGATION_NOT_UNDERSTOOD' }),
  ]) as unknown;

  it('that are malformed are refused with the place', async () => {
    const admin = stack.as('admin');
    const bundle = { 'a.yaml': 'conditions:\n  - cedar: |\n      permit (principal, action, resource);\n' };
    const { ok, problems } = await admin.checkPolicy(bundle);
    expect([ok, problems]).toMatchObject([false, [{ file: 'a.yaml', line: 3, column: 7 }]]);
    const lease = { ...RUN, grant: { ...GRANT, obligations: [{ kind: 'max_rows', rows: 0 }] } };
    expect((await post('/v1/runs', stack.keys.orchestrator, lease)).status).toBe(400);
  });
});
