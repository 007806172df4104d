import { ProblemError } from '@bailiwick/client/client';
import { open } from '../e2e/leases';
import { http, Stack } from '../support/stack';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.start();
}, 120_000);
afterAll(() => stack.stop());

const admin = () => stack.as('admin');
const version = async (): Promise<number> => (await admin().policies()).current;

const refusal = (work: Promise<unknown>): Promise<ProblemError> =>
  work.then(
    () => {
      throw new Error('this should have been refused');
    },
    (error: unknown) => {
      if (error instanceof ProblemError) return error;
      throw error;
    },
  );

describe('a policy about approvals', () => {
  it('states who may approve, and how many: requests wait with what is given and needed', async () => {
    const [enforcer, approver] = [stack.as('enforcer'), stack.as('approver')];
    const approvals = (text: string) => ({
      'approvals.yaml': `catalog:\n  - { match: [payment.make], effects: [external], risk: medium }\napprovals:\n${text}`,
    });
    // medium risk: the intent monitor is not asked first, which on a busy machine may not answer in time
    const { grant, token } = await open(stack.as('orchestrator'), {
      risk: { ceiling: 'high', approvalFrom: 'medium' },
    });
    const pay = (cents: number) => ({
      grantId: grant.id,
      action: { verb: 'payment.make', risk: 'medium' as const, args: { cents } },
      resource: { type: 'account', id: 'acme' },
      cost: { USD: cents },
    });
    await admin().deployPolicy(approvals('  - { name: finance, by: { groups: [finance] } }'), await version());
    const asked = (await enforcer.act(pay(10))).approvalId as string;
    const refused = await refusal(approver.decide(asked, 'approve'));
    expect([refused.status, refused.code]).toEqual([403, 'FORBIDDEN']);
    expect(refused.message).toContain('the rule finance of the policy requires a member of finance');
    await admin().deployPolicy(
      approvals('  - { name: two, needed: 2, scopes: [call, target], breakGlass: { roles: [approver] } }'),
      await version(),
    );
    const once = await approver.decide(asked, 'approve');
    expect(once.approval).toMatchObject({
      status: 'pending',
      given: 1,
      needed: 2,
    });
    expect((await approver.approval(asked)).approvers).toBe('2 different people: an approver');
    expect((await refusal(approver.decide(asked, 'approve'))).code).toBe('ALREADY_DECIDED');
    const own = await http(stack, 'GET', `/v1/approvals/${asked}`, { key: token });
    expect([own.status, own.body.status, own.body.answers]).toEqual([200, 'pending', undefined]);
    const emergency = { scope: 'target', breakGlass: true } as const;
    expect((await refusal(approver.decide(asked, 'approve', undefined, undefined, emergency))).code).toBe(
      'BAD_REQUEST',
    );
    const { approval } = await approver.decide(asked, 'approve', 'the bank closes', undefined, emergency);
    expect(approval).toMatchObject({ status: 'approved', breakGlass: true, scope: 'target', note: 'the bank closes' });
    const permit = await enforcer.act(pay(9));
    expect(permit.decision).toBe('permit');
    expect(permit.reasons.map(({ message }) => message)).toContain(
      `approved by key:approver for the target (${asked})`,
    );
    const self = await http(stack, 'GET', '/v1/permissions/self', { key: token });
    expect(self.body).toMatchObject({
      grant: { id: grant.id },
      approvals: [{ id: asked, scope: 'target' }],
      pending: [],
    });
    expect((await approver.decide(asked, 'deny', 'it is open again')).approval.status).toBe('revoked');
    expect((await enforcer.act(pay(8))).decision).toBe('step-up');
    const metrics = String((await http(stack, 'GET', '/metrics', { key: stack.keys.analyst })).body.text);
    expect(metrics).toContain('bailiwick_approval_answers_total{by="verb",name="payment.make",verdict="approve"} 1');
    expect(metrics).toContain('bailiwick_approvals_break_glass_total 1');
  });
});
