import { ProblemError } from '@bailiwick/client/client';
import type { TenantBudgetView } from '@bailiwick/contracts/budgets/tenant-budget';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { bailiwick } from '../support/cli';
import { http, Stack } from '../support/stack';
import { open } from '../e2e/leases';

const CLIENTS = 64;
const TRIES = 10;
const OWNER = 'user:owner@example.com';
/** Neither drift nor an approval stops a call, so that only the budgets matter. */
const PLAIN = {
  risk: { ceiling: 'high', approvalFrom: 'irreversible' },
  purpose: { onDrift: { stepUpAt: 1, suspendAt: 1 } },
} as const;

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.tenant();
}, 120_000);
afterAll(() => stack.stop());

const admin = () => stack.as('admin');
const write = (grantId: string, USD: number) => ({
  grantId,
  action: { verb: 'file.write' },
  resource: { type: 'file', id: 'b' },
  cost: { USD },
});

describe('a tenant budget', () => {
  it('is shared by the runs of one person: 64 concurrent clients under eight roots exceed no cap by one', async () => {
    const caps = { calls: 240, cost: { USD: 2_000 }, windows: [{ per: '24h', writes: 150 }] };
    const selector = { principal: OWNER, agentClass: 'spender' };
    await admin().setBudget('team', { selector, budget: caps });
    const roots = await Promise.all(Array.from({ length: 8 }, () => open(stack.as('orchestrator'), PLAIN, 'spender')));
    const outsider = await open(stack.as('orchestrator'), PLAIN, 'outsider');
    const enforcer = stack.as('enforcer');
    const permitted = { calls: 0, writes: 0, USD: 0 };
    const client = async (n: number): Promise<void> => {
      for (let i = 0; i < TRIES; i++) {
        const grantId = roots[(n * 3 + i) % roots.length]?.grant.id as string;
        const call = (n + i) % 3 === 0 ? write(grantId, 17) : { ...write(grantId, 0), action: { verb: 'file.read' } };
        const answer = await enforcer.act(call).catch(beyondRefusals);
        if (answer?.decision !== 'permit') continue;
        permitted.calls += 1;
        permitted.writes += call.action.verb === 'file.write' ? 1 : 0;
        const paid = i % 3 === 0 ? Math.max(0, call.cost.USD - 1) : call.cost.USD;
        permitted.USD += paid;
        await enforcer.settle(answer.actionId, { status: 'completed', cost: { USD: paid } });
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)));

    const budget = await admin().budget('team');
    expect(budget.consumed).toMatchObject({ calls: permitted.calls, writes: permitted.writes });
    expect(budget.consumed.cost).toEqual({ USD: permitted.USD });
    expect(budget.reserved.cost).toEqual({});
    expect(permitted.calls).toBeLessThanOrEqual(caps.calls);
    expect(permitted.writes).toBeLessThanOrEqual(150);
    expect(permitted.USD).toBeLessThanOrEqual(caps.cost.USD);
    expect(Math.max(permitted.calls / caps.calls, permitted.writes / 150)).toBe(1); // a cap was reached exactly
    expect(budget.windows[0]?.consumed.writes).toBe(permitted.writes);
    const denied = await enforcer.act(write(roots[0]?.grant.id as string, 1));
    expect(denied.decision).toBe('deny');
    expect(JSON.stringify(denied.reasons)).toContain('TENANT_BUDGET_EXHAUSTED');
    expect((await enforcer.act(write(outsider.grant.id, 1))).decision).toBe('permit');
    // no lease ended, and a higher cap applies at once
    await admin().setBudget('team', { selector, budget: { calls: 300 } });
    expect((await enforcer.act(write(roots[0]?.grant.id as string, 1))).decision).toBe('permit');
    const { remaining } = await enforcer.act(write(roots[1]?.grant.id as string, 1));
    expect(remaining.calls).toBe(300 - permitted.calls - 2);
    await verified();
  }, 120_000);

  it('is in the receipt of a run that drew from it, which verifies', async () => {
    await admin().setBudget('day', {
      selector: { agentClass: 'daily' },
      budget: { windows: [{ per: '24h', calls: 5 }] },
    });
    const { run, grant } = await open(stack.as('orchestrator'), PLAIN, 'daily');
    const { actionId } = await stack.as('enforcer').act(write(grant.id, 30));
    await stack.as('enforcer').settle(actionId, { status: 'completed', cost: { USD: 20 } });
    const { position } = await stack.as('orchestrator').complete(run.id);
    const receipt = await stack.as('analyst').receipt(run.id, position);
    const checked = verifyReceipt(receipt, await stack.as('analyst').verifierKey(stack.log));
    expect(checked).toMatchObject({ ok: true });
    expect(JSON.stringify(checked)).toContain('"tenantBudgets":[{"name":"day","drew":{"calls":1,');
  });

  it('keeps the name of its person only in payloads, and its effect after they are erased', async () => {
    const principal = 'user:gone.soon@example.com';
    await admin().setBudget('person', { selector: { principal }, budget: { calls: 9 } });
    await admin().setBudget('person', { selector: { principal }, budget: { calls: 1 } });
    expect((await admin().budget('person')).selector).toMatchObject({ principal });
    const { items } = await stack.as('analyst').events({ type: 'TenantBudgetSet', limit: 100 });
    expect(JSON.stringify(items.map(({ data }) => data))).not.toContain('gone.soon');
    const erased = await admin().erase(principal);
    expect(erased.erasure.payloads).toBe(2);
    const { selector } = await admin().budget('person');
    expect(selector.principal).toBeNull();
    expect(selector.principalRef).toMatch(/^ref_/);
    const body = { agent: { class: 'x' }, requestedBy: principal, purpose: 'Read', grant: { ...PLAIN, ...READ } };
    const opened = await http(stack, 'POST', '/v1/runs', { key: stack.keys.orchestrator as string, body });
    const { id } = opened.body.grant as { id: string };
    const read = { ...write(id, 0), action: { verb: 'file.read' } };
    const decisions = [
      (await stack.as('enforcer').act(read)).decision,
      (await stack.as('enforcer').act(read)).decision,
    ];
    expect(decisions).toEqual(['permit', 'deny']);
    await verified();
  });

  it('answers a repeated request as before, and refuses what means nothing', async () => {
    const send = (body: object, key = 'once') =>
      http(stack, 'PUT', '/v1/budgets/again', {
        key: stack.keys.admin as string,
        body,
        headers: { 'idempotency-key': key },
      });
    const body = { selector: { label: 'pays' }, budget: { external: 3 } };
    const first = await send(body);
    expect(first).toMatchObject({
      status: 200,
      body: { budget: { name: 'again', setBy: expect.any(String), ...body } },
    });
    expect((await send(body)).body).toEqual(first.body);
    expect((await send({ ...body, selector: {} })).body.code).toBe('IDEMPOTENCY_KEY_REUSED');
    for (const [wrong, text] of [
      [{ selector: {}, budget: {} }, 'at least one cap'],
      [{ selector: {}, budget: { windows: [{ per: '1h' }] } }, 'at least one cap'],
      [{ selector: {}, budget: { windows: [{ per: '400d', calls: 1 }] } }, 'not between'],
      [{ selector: { agentClass: 'work*' }, budget: { calls: 1 } }, 'agentClass'],
      [{ selector: { team: 'x' }, budget: { calls: 1 } }, 'team'],
    ] as const) {
      const refused = await send(wrong, text);
      expect([refused.status, String(refused.body.detail)]).toEqual([400, expect.stringContaining(text)]);
    }
    const key = stack.keys.admin as string;
    expect((await http(stack, 'GET', '/v1/budgets/none', { key })).status).toBe(404);
    expect((await http(stack, 'DELETE', '/v1/budgets/none', { key })).status).toBe(404);
    expect((await http(stack, 'PUT', '/v1/budgets/No%20name', { key, body })).status).toBe(404);
  });

  it('is managed from the command line', async () => {
    const cli = (...args: string[]) => bailiwick(['budgets', ...args], { BAILIWICK_DATA: stack.dataDir });
    const set = await cli('set', 'cli', '--class', 'shopper', '--cost', 'USD=5000', '--calls', '7', '--per', '24h');
    expect([set.code, set.out]).toEqual([0, expect.stringMatching(/^set cli at position \d+/)]);
    expect((await cli('list')).out).toMatch(/cli +root class shopper +per 24h: 0\/7 calls, 0\.00 USD of 50\.00 USD/);
    const shown = await cli('show', 'cli', '--json');
    expect((JSON.parse(shown.out) as TenantBudgetView).budget).toEqual({
      windows: [{ per: '24h', calls: 7, cost: { USD: 5_000 } }],
    });
    expect((await cli('remove', 'cli')).code).toBe(0);
    expect((await cli('show', 'cli')).code).toBe(1);
    expect((await cli('set', 'cli', '--calls', '7')).code).toBe(2);
    expect((await cli('set', 'cli', '--all')).code).toBe(2);
  });
});

const READ = { actions: { allow: ['file.read'] }, resources: [{ type: '*', match: '**' }] };

/** Refolds and audits the whole log, and compares the live state. */
async function verified(): Promise<void> {
  const { body } = await http(stack, 'GET', '/v1/log/verification', { key: stack.keys.analyst as string });
  expect(body).toMatchObject({ ok: true, findings: [] });
}

/** Accepts 429: this many refusals exceed their budget, and some are only counted, without an event. */
function beyondRefusals(error: unknown): undefined {
  if (!(error instanceof ProblemError) || error.status !== 429) throw error;
  return undefined;
}
