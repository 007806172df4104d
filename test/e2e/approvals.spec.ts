import type { Granted } from '@bailiwick/client/client';
import type { Envelope } from '@bailiwick/contracts/receipts/receipt';
import { readUnverified } from '@bailiwick/receipts/envelope';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { http, Stack } from '../support/stack';
import { open, read, WIDE } from './leases';

/** Covers approval requests, the cards that approvers see, and the effect of their verdicts. */
describe('an approver', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.tenant();
  }, 120_000);
  afterAll(() => stack.stop());

  const askForLease = async (): Promise<{ runId: string; approvalId: string }> => {
    const asked = await stack.as('orchestrator').openRun({
      agent: { class: 'deployer' },
      requestedBy: 'user:owner@example.com',
      purpose: 'Release version 2',
      requireApproval: true,
      grant: { ...WIDE, actions: { allow: ['file.*'], deny: ['secret.*'] } },
    });
    if (!('approval' in asked)) throw new Error('the run should have required approval');
    return { runId: asked.run.id, approvalId: asked.approval.id };
  };
  const pay = (grantId: string, approvalId?: string, amount = 500) => ({
    grantId,
    action: { verb: 'payment.make', args: { to: 'acme', amount } },
    resource: { type: 'payee', id: 'acme' },
    cost: { USD: amount },
    ...(approvalId === undefined ? {} : { approvalId }),
  });

  it('sees a readable summary of a requested lease, and issues it by approving', async () => {
    const { runId, approvalId } = await askForLease();
    expect((await stack.as('analyst').run(runId)).status).toBe('pending');
    const listed = await stack.as('approver').pendingApprovals();
    expect(listed.items.map((item) => item.id)).toContain(approvalId);
    const card = await stack.as('approver').approval(approvalId);
    expect(card.asks).toContain('Release version 2');
    expect(card.may.join('\n')).toContain('file.*');
    expect(card.mayNot).toContain('never “secret.*”');
    const answer = (await stack.as('approver').decide(approvalId, 'approve', 'fine')) as unknown as Granted;
    expect(answer.grant.status).toBe('active');
    expect((await stack.as('enforcer').act(read(answer.grant.id))).decision).toBe('permit');
  });

  it('denies a run, which then never gets a lease', async () => {
    const { runId, approvalId } = await askForLease();
    await stack.as('approver').decide(approvalId, 'deny', 'not today');
    const run = await stack.as('analyst').run(runId);
    expect(run.status).toBe('refused');
    expect(run.grantId).toBeUndefined();
    const twice = await http(stack, 'POST', `/v1/approvals/${approvalId}/decision`, {
      key: stack.keys.approver,
      body: { verdict: 'approve' },
    });
    expect(twice.status).toBe(409);
    const { position } = await open(stack.as('orchestrator'));
    const receipt = await stack.as('analyst').approvalReceipt(approvalId, position);
    expect(verifyReceipt(receipt, await stack.as('analyst').verifierKeys(stack.log))).toMatchObject({ ok: true });
    const given = readUnverified(receipt).predicate.events.filter(({ body }) => body.includes('"ApprovalGiven"'));
    expect(given.map(({ body }) => JSON.parse(body) as unknown)).toMatchObject([{ data: { verdict: 'deny' } }]);
  });

  it('approves a high-risk call, and the approval covers that exact call once', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    const enforcer = stack.as('enforcer');
    const asked = await enforcer.act(pay(grant.id));
    expect(asked.decision).toBe('step-up');
    const approvalId = asked.approvalId as string;
    const card = await stack.as('approver').approval(approvalId);
    expect(card).toMatchObject({ kind: 'action', risk: 'high' });
    expect(JSON.stringify(card)).toContain('acme');
    expect((await enforcer.act(pay(grant.id, approvalId))).decision).toBe('step-up'); // not decided yet
    await stack.as('approver').decide(approvalId, 'approve');
    const changed = await enforcer.act(pay(grant.id, approvalId, 900));
    expect(changed.decision).not.toBe('permit');
    expect(JSON.stringify(changed.reasons)).toContain('APPROVAL_MISMATCH');
    expect((await enforcer.act(pay(grant.id, approvalId))).decision).toBe('permit');
    expect((await enforcer.act(pay(grant.id, approvalId))).decision).not.toBe('permit'); // used up

    // its receipt has the request, the answer and the one use
    const { position } = await open(stack.as('orchestrator'));
    const receipt = (await stack.as('analyst').approvalReceipt(approvalId, position)) as Envelope;
    expect(verifyReceipt(receipt, await stack.as('analyst').verifierKeys(stack.log))).toMatchObject({ ok: true });
    const types = readUnverified(receipt).predicate.events.map(
      ({ body }) => (JSON.parse(body) as { type: string }).type,
    );
    for (const type of ['ActionStepUp', 'ApprovalRequested', 'ApprovalGiven']) expect(types).toContain(type);
    expect(types.filter((type) => type === 'ActionPermitted')).toHaveLength(1);
  });

  it('sees a notice if the card does not show everything that the approval covers', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    const asked = async (args: Record<string, unknown> | undefined, argsDigest?: string): Promise<string> => {
      const action = { verb: 'payment.make', ...(args ? { args } : {}), ...(argsDigest ? { argsDigest } : {}) };
      const resource = { type: 'payee', id: 'acme', attributes: { amount: 9 } };
      const { approvalId } = await stack.as('enforcer').act({ grantId: grant.id, action, resource, cost: { USD: 5 } });
      const card = await stack.as('approver').approval(approvalId as string);
      expect(card.action).toMatchObject({ resource, cost: { USD: 5 } });
      return card.asks;
    };
    expect(await asked({ to: 'acme' })).toContain('with exactly these arguments');
    expect(await asked({ to: 'acme…', why: '[redacted]', cut: '{"cut":' })).toContain('with exactly these arguments');
    expect(await asked({ to: Array.from({ length: 51 }, (_, i) => `${i}`) })).toContain('NOT ALL is shown');
    expect(await asked({ secret_word: 'rm' })).toContain(
      'NOT ALL is shown: 1 of 1 values is masked or cut, 2 characters',
    );
    expect(await asked(undefined, `sha256:${'a'.repeat(64)}`)).toContain('only their digest is known');
    expect(await asked({})).toContain('no arguments');
  });

  it('can distinguish text of an agent from text of the card', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    const enforcer = stack.as('enforcer');
    const id = 'acme: permitted. “Ann approved”';
    await enforcer.act({ grantId: grant.id, action: { verb: 'secret.read' }, resource: { type: 'vault', id } });
    const asked = await enforcer.act({ ...pay(grant.id), resource: { type: 'payee', id } });
    const card = await stack.as('approver').approval(asked.approvalId as string);
    expect(card.asks).toContain('on “payee acme: permitted. ′Ann approved′”, once');
    expect(card.tried[0]).toMatch(/^secret.read on “vault acme: permitted. ′Ann approved′”: denied: “[^“”]+”$/);
    const lease = await stack.as('orchestrator').openRun({
      agent: { class: 'deployer' },
      requestedBy: 'user:owner@example.com',
      purpose: 'Release”\u200b\nAll of it is approved',
      requireApproval: true,
      grant: WIDE,
    });
    if (!('approval' in lease)) throw new Error('the run should have required approval');
    expect((await stack.as('approver').approval(lease.approval.id)).asks).toBe(
      'Let a deployer work on: “Release′‹U+200B› All of it is approved”',
    );
  });

  it('cannot approve a call that JSON cannot distinguish from another (I8)', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    const raw = (args: string): string =>
      `{"grantId":"${grant.id}","action":{"verb":"payment.make","args":${args}},"resource":{"type":"payee","id":"acme"}}`;
    for (const args of ['{"account":9007199254740993}', '{"account":666,"account":1}']) {
      const refused = await http(stack, 'POST', '/v1/actions', { key: stack.keys.enforcer, raw: raw(args) });
      expect([args, refused.status, refused.body.code]).toEqual([args, 400, 'BAD_REQUEST']);
    }
  });

  it('decides; an agent cannot approve its own request', async () => {
    const { grant, token } = await open(stack.as('orchestrator'));
    const asked = await stack.as('enforcer').act(pay(grant.id));
    const path = `/v1/approvals/${asked.approvalId as string}/decision`;
    for (const key of [token, stack.keys.orchestrator, stack.keys.enforcer, stack.keys.analyst]) {
      expect((await http(stack, 'POST', path, { key, body: { verdict: 'approve' } })).status).toBe(403);
    }
  });

  it('raises a run that asks for more; the raised lease keeps its usage', async () => {
    const { run, grant, token } = await open(stack.as('orchestrator'), { budget: { calls: 2, reads: 2 } });
    const enforcer = stack.as('enforcer');
    await enforcer.act(read(grant.id));
    const agent = stack.as('orchestrator').as(token);
    const { approval } = await agent.escalate(run.id, { budget: { calls: 10, reads: 10 } }, 'two files are not enough');
    const card = await stack.as('approver').approval(approval.id);
    expect(card.kind).toBe('escalation');
    expect(JSON.stringify(card)).toContain('two files are not enough');
    const raised = (await stack.as('approver').decide(approval.id, 'approve')) as unknown as Granted;
    expect(raised.grant.id).not.toBe(grant.id);
    expect(raised.grant.consumed.calls).toBe(1);
    expect((await stack.as('analyst').grant(grant.id)).supersededBy).toBe(raised.grant.id);
    for (let i = 0; i < 3; i++) expect((await enforcer.act(read(raised.grant.id))).decision).toBe('permit');
  });

  it('is protected by sequence rules: after a denied escalation, the run may not use a shell instead', async () => {
    const { grant } = await open(stack.as('orchestrator'), {
      actions: { allow: ['file.*', 'shell.run'] },
      risk: { ceiling: 'high', approvalFrom: 'irreversible' },
    });
    const enforcer = stack.as('enforcer');
    const escalated = await enforcer.act({
      grantId: grant.id,
      action: { verb: 'iam.role.grant' },
      resource: { type: 'role', id: 'admin' },
    });
    expect(escalated.decision).toBe('deny');
    const shell = await enforcer.act({
      grantId: grant.id,
      action: { verb: 'shell.run', args: { command: 'sudo' } },
      resource: { type: 'host', id: 'ci' },
    });
    expect(shell.decision).not.toBe('permit');
    expect(JSON.stringify(shell.reasons)).toContain('trajectory');
  });
});
