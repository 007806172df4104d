import { bailiwick } from '../support/cli';
import { http, Stack } from '../support/stack';
import type { Granted } from '@bailiwick/client/client';
import { open, WIDE } from './leases';

const ADA = 'user:ada@example.com';
const AGENTS = `
agents:
  - { class: refund-bot, owner: ${ADA} }
  - { class: sync-bot, owner: ada@example.com }
  - { class: other-bot, owner: user:bob@example.com }
  - { class: '*', owner: platform }
`;

/** Everything that belongs to a person ends by one command, which shows what is left. */
describe('bailiwick offboard', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.tenant();
  }, 120_000);
  afterAll(() => stack.stop());

  const offboard = async (...args: string[]) => {
    const { code, out, err } = await bailiwick(['--data', stack.dataDir, 'offboard', ADA, '--json', ...args]);
    return { code, err, printed: (out === '' ? {} : JSON.parse(out)) as Record<string, unknown> };
  };

  const ofAda = async (): Promise<Granted> => {
    const agent = { class: 'writer' };
    const body = { agent, requestedBy: ADA, purpose: 'Update the docs', grant: WIDE };
    return (await stack.as('orchestrator').openRun(body)) as Granted;
  };

  it('ends leases, requests, keys, standing approvals and owned classes, under the digest of what was shown', async () => {
    const [admin, orchestrator] = [stack.as('admin'), stack.as('orchestrator')];
    await admin.deployPolicy({ 'agents.yaml': AGENTS }, 0);
    const own = await ofAda();
    const ofBot = await open(orchestrator, {}, 'refund-bot');
    const key = await http(stack, 'POST', '/v1/keys', {
      key: stack.keys.admin,
      body: { name: 'ada-approver', role: 'approver', person: ADA },
    });
    const risky = {
      grantId: ofBot.grant.id,
      action: { verb: 'file.read', risk: 'high', argsDigest: `sha256:${'a'.repeat(64)}` },
    };
    const asked = await stack.as('enforcer').act({ ...risky, resource: { type: 'file', id: 'a' } } as never);
    expect(asked.decision).toBe('step-up');
    const approved = await http(stack, 'POST', `/v1/approvals/${asked.approvalId}/decision`, {
      key: key.body.key as string,
      body: { verdict: 'approve', note: 'x', scope: 'target' },
    });
    expect(approved.status).toBe(200);

    const dry = await offboard('--dry-run');
    expect(dry).toMatchObject({
      code: 0,
      printed: {
        leases: { counts: { grants: 1 } },
        keys: [{ name: 'ada-approver' }],
        standing: [{ id: asked.approvalId }],
        classes: [{ name: 'refund-bot' }, { name: 'sync-bot' }],
        unread: [],
      },
    });
    const digest = dry.printed.digest as string;
    const grown = await ofAda();
    const refused = await offboard('--digest', digest, '--reason', 'left the company');
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('BLAST_RADIUS_GREW')]);
    expect((await stack.as('analyst').grant(own.grant.id)).status).toBe('active');

    const half = await offboard('--reason', 'left the company', '--stop', 'refund-bot');
    expect([half.code, half.printed.left]).toEqual([1, ['class sync-bot without another owner']]);
    for (const { grant } of [own, grown, ofBot])
      expect((await stack.as('analyst').grant(grant.id)).status).toBe('revoked');
    expect((await http(stack, 'GET', '/v1/approvals', { key: key.body.key as string })).status).toBe(401);
    await expect(ofAda()).rejects.toMatchObject({ code: 'QUARANTINED' });

    const whole = await offboard(
      ...['--reason', 'left the company', '--stop', 'refund-bot', '--owner', 'sync-bot=user:bob@example.com'],
    );
    expect([whole.code, whole.err, whole.printed.left]).toEqual([0, '', []]);
    expect((await admin.policy()).bundle.agents?.map(({ owner }) => owner)).toEqual([
      ADA, // its class is stopped
      'user:bob@example.com',
      'user:bob@example.com',
      'platform',
    ]);
  });

  it('refuses a class that they do not own, and an offboarding without a reason, before anything is done', async () => {
    expect(await offboard('--stop', 'other-bot', '--reason', 'x')).toMatchObject({ code: 2 });
    expect(await offboard()).toMatchObject({ code: 2, err: expect.stringContaining('--reason') as string });
  });

  describe('a person whose name others have typed', () => {
    const DORA = 'user:dora@example.com';
    const run = (...args: string[]) => bailiwick(['--data', stack.dataDir, 'offboard', ...args]);
    const keyOf = async (body: object, key = stack.keys.admin as string): Promise<string> =>
      String((await http(stack, 'POST', '/v1/keys', { key, body })).body.key);

    it('ends their keys in any spelling of their name, and each answer that they gave with others', async () => {
      const [admin, approver] = [stack.as('admin'), stack.as('approver')];
      const rule = 'approvals: [{ name: two, needed: 2, scopes: [call, target, run] }]';
      await admin.deployPolicy({ 'approvals.yaml': rule }, (await admin.policy()).version);
      const theirs = await keyOf({ name: 'dora', role: 'approver', person: 'user:Dora@Example.com' });
      const adminKey = await keyOf({ name: 'dora-admin', role: 'admin', person: 'user:DORA@example.com' });
      await keyOf({ name: 'gus', role: 'analyst' }, adminKey);
      const { grant } = await open(stack.as('orchestrator'), { risk: { ceiling: 'high', approvalFrom: 'medium' } });
      const ask = async (id: string): Promise<string> => {
        const action = { verb: 'file.read', risk: 'medium' as const, args: { path: id } };
        const { approvalId } = await stack
          .as('enforcer')
          .act({ grantId: grant.id, action, resource: { type: 'file', id } });
        const body = { verdict: 'approve', scope: 'target' };
        await http(stack, 'POST', `/v1/approvals/${approvalId}/decision`, { key: theirs, body });
        return approvalId as string;
      };
      const [given, waiting] = [await ask('a'), await ask('b')];
      await approver.decide(given, 'approve', undefined, undefined, { scope: 'target' });

      const dry = await run(DORA, '--dry-run', '--json');
      expect(JSON.parse(dry.out)).toMatchObject({
        known: true,
        keys: [{ name: 'dora' }, { name: 'dora-admin' }],
        standing: [{ id: given }],
        answered: [{ id: waiting }],
        issuedKeys: ['gus'],
      });
      const unlike = `/v1/approvals?status=denied&answeredBy=${DORA}`;
      expect((await http(stack, 'GET', unlike, { key: stack.keys.approver })).status).toBe(400);
      const done = await run(DORA, '--reason', 'left the company', '--json');
      expect([done.code, done.err, (JSON.parse(done.out) as { left: unknown }).left]).toEqual([0, '', []]);
      for (const key of [theirs, adminKey]) expect((await http(stack, 'GET', '/v1/keys', { key })).status).toBe(401);
      const statusOf = async (id: string) => (await approver.approval(id)).status;
      expect([await statusOf(given), await statusOf(waiting)]).toEqual(['revoked', 'denied']);
    });

    it('is refused without the prefix of the name, and a name that nothing here has is stated', async () => {
      const bare = await run('dora@example.com', '--reason', 'x');
      expect([bare.code, bare.err]).toEqual([2, expect.stringContaining('such as user:dora@example.com')]);
      const unknown = await run('user:dorra@example.com', '--reason', 'x');
      expect(unknown.out).toContain('nothing here names user:dorra@example.com: check the spelling');
      expect(unknown.out).not.toContain('nothing is left');
    });
  });
});
