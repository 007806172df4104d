import type { Predicate } from '@bailiwick/contracts/receipts/receipt';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { http, Stack, until, type HttpAnswer } from '../support/stack';
import { call, GRANT, openRun, RUN, type Opened } from './world';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.tenant();
}, 120_000);
afterAll(() => stack.stop());

const post = (path: string, key: string | undefined, body: unknown) => http(stack, 'POST', path, { key, body });
const receiptAt = (runId: string, query: string, key = stack.keys.analyst): Promise<HttpAnswer> =>
  http(stack, 'GET', `/v1/runs/${runId}/receipt${query}`, { key });

/** Returns a time that every earlier event precedes and no later one does. */
async function boundary(): Promise<string> {
  const time = Date.now() + 1;
  await until('the next millisecond', () => Date.now() > time);
  return new Date(time).toISOString();
}

async function claimsIn(receipt: unknown): Promise<Predicate> {
  const { steps, statement } = verifyReceipt(receipt, await stack.as('analyst').verifierKey(stack.log));
  expect(steps.filter((step) => !step.ok)).toEqual([]);
  return statement?.predicate as Predicate;
}
const claimsOf = async (runId: string, from: string, until: string, key?: string): Promise<Predicate> => {
  const { status, body } = await receiptAt(runId, `?from=${from}&until=${until}`, key);
  expect([status, body.detail]).toEqual([200, undefined]);
  return claimsIn(body);
};

async function permitted(grantId: string, more = {}): Promise<string> {
  const { body } = await post('/v1/actions', stack.keys.enforcer, call(grantId, more));
  expect(body.decision).toBe('permit');
  return String(body.actionId);
}
const settle = (actionId: string, outcome: object): Promise<HttpAnswer> =>
  post(`/v1/actions/${actionId}/outcome`, stack.keys.enforcer, outcome);

describe('the receipt of a period of a run', () => {
  it('lists what happened in it: an amount counts where its outcome was recorded', async () => {
    const { runId, grantId } = await openRun(stack);
    const before = await boundary();
    const spending = await permitted(grantId, { cost: { USD: 30 } });
    const between = await boundary();
    const other = await permitted(grantId);
    await settle(spending, { status: 'completed', cost: { USD: 20 } });
    await settle(other, { status: 'completed' });
    const after = await boundary();
    await post(`/v1/runs/${runId}/completion`, stack.keys.orchestrator, {});
    const later = await boundary();

    const [one, two, three] = [
      await claimsOf(runId, before, between),
      await claimsOf(runId, between, after),
      await claimsOf(runId, after, later),
    ];
    expect(one).toMatchObject({
      period: { from: before, until: between },
      spent: { calls: 1, cost: {} },
      inFlight: { atStart: { actions: [] }, atEnd: { actions: [spending], reserved: { cost: { USD: 30 } } } },
      ended: null,
    });
    expect(two).toMatchObject({
      spent: { calls: 1, cost: { USD: 20 } },
      actions: [
        { id: spending, outcome: 'completed' },
        { id: other, outcome: 'completed' },
      ],
      inFlight: { atStart: { actions: [spending] }, atEnd: { actions: [], reserved: { cost: {} } } },
      ended: null,
    });
    expect(three).toMatchObject({ spent: { calls: 0 }, actions: [], ended: { reason: expect.any(String) as string } });
    const whole = await claimsIn((await receiptAt(runId, '')).body);
    expect(whole.spent).toMatchObject({ calls: 2, cost: { USD: 20 } });
    expect(whole).not.toHaveProperty('period');
  });

  it('is the same for a period in any spelling, and states a period that is not over', async () => {
    const { runId } = await openRun(stack);
    const now = Date.now();
    const [from, until] = [new Date(now - 60_000).toISOString(), new Date(now + 3_600_000).toISOString()];
    const offset = (time: string): string =>
      encodeURIComponent(new Date(Date.parse(time) + 7_200_000).toISOString().replace('Z', '+02:00'));
    const { period, doesNotProve } = await claimsOf(runId, offset(from), offset(until));
    expect(period).toEqual({ from, until, open: true });
    expect(doesNotProve.join('\n')).toContain(`anything outside the period from ${from} until ${until}`);
  });

  it.each([
    ['?from=2026-01-01T00:00:00Z', /one of `from` and `until` is missing: give both/],
    ['?until=2026-01-01T00:00:00Z', /one of `from` and `until` is missing: give both/],
    ['?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z', /`until` must be later than `from`/],
    ['?from=2026-01-01T00:00:00Z&until=2026-01-01T00:00:00Z', /`until` must be later than `from`/],
    ['?from=2026-01-01T00:00:00Z&until=2026-01-01T02:00:00%2B02:00', /`until` must be later than `from`/],
    ['?from=yesterday&until=2026-01-01T00:00:00Z', /from: must be an RFC 3339 time, e\.g\. 2026-01-31T12:00:00Z/],
    ['?from=2026-01-01&until=2026-01-02', /from: must be an RFC 3339 time/],
    ['?from=2026-02-30T00:00:00Z&until=2026-03-02T00:00:00Z', /from: must be an RFC 3339 time/],
    ['?since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z', /since/],
    ['?from=2001-01-01T00:00:00Z&until=2001-01-02T00:00:00Z', /the period ends at .*, before the run was opened at .*/],
    ['?from=2101-01-01T00:00:00Z&until=2101-01-02T00:00:00Z', /the period starts at .*, in the future/],
  ])('is refused for %s with what to write instead', async (query, detail) => {
    const { runId } = await openRun(stack);
    const { status, body } = await receiptAt(runId, query);
    expect([status, body.code]).toEqual([400, 'BAD_REQUEST']);
    expect(body.detail).toMatch(detail);
  });

  it('exists for runs only: a tree and an action have none', async () => {
    const { treeId, grantId } = await openRun(stack);
    const actionId = await permitted(grantId);
    for (const path of [`trees/${treeId}`, `actions/${actionId}`]) {
      const query = '?from=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z';
      const { status, body } = await http(stack, 'GET', `/v1/${path}/receipt${query}`, { key: stack.keys.analyst });
      expect([status, body.code]).toEqual([400, 'BAD_REQUEST']);
    }
  });
});

describe('an agent that never ends', () => {
  interface Task {
    readonly runId: string;
    readonly actionId: string;
  }

  /** Moves the end of a lease to 10 minutes from now, so that a renewal extends it. */
  async function shorten(grantId: string, renewUntil: string): Promise<void> {
    const time = { expiresAt: new Date(Date.now() + 600_000).toISOString(), renewUntil };
    const body = { grant: { time }, reason: 'a day has passed' };
    expect((await post(`/v1/grants/${grantId}/narrowing`, stack.keys.responder, body)).status).toBe(200);
  }

  /** Does a task under a separate short lease: two calls, one of them denied. */
  async function task(root: Opened, token: string, name: string): Promise<Task> {
    const grant = { actions: { allow: ['repo.read'] }, budget: { calls: 5 }, time: { ttl: '5m' } };
    const body = { agent: RUN.agent, task: name, grant };
    const child = (await post(`/v1/grants/${root.grantId}/delegations`, token, body)).body;
    const [runId, grantId] = [(child.run as { id: string }).id, (child.grant as { id: string }).id];
    const actionId = await permitted(grantId, { cost: { USD: 4 } });
    const denied = await post(
      '/v1/actions',
      stack.keys.enforcer,
      call(grantId, { action: { verb: 'repo.commit', args: {} } }),
    );
    expect(denied.body.decision).toBe('deny');
    await settle(actionId, { status: 'completed', cost: { USD: 3 } });
    expect((await post(`/v1/runs/${runId}/completion`, String(child.token), {})).status).toBe(200);
    return { runId, actionId };
  }

  it('opens a run per task, each with a lease and a receipt, renews its own lease, and has a receipt per period', async () => {
    const root = await openRun(stack, { ...GRANT, time: { ttl: '1h', renewUntil: '2h' } });
    let { token } = root;
    const bounds = [await boundary()];
    const tasks: Task[][] = [];
    for (const day of [1, 2, 3]) {
      await shorten(root.grantId, `${90 - 10 * day}m`);
      const renewed = await post(`/v1/grants/${root.grantId}/renewal`, token, {});
      expect([renewed.status, renewed.body.detail]).toEqual([200, undefined]);
      token = String(renewed.body.token);
      await settle(await permitted(root.grantId), { status: 'completed' });
      tasks.push([await task(root, token, `task ${day}.1`), await task(root, token, `task ${day}.2`)]);
      bounds.push(await boundary());
    }
    for (const { runId, actionId } of tasks.flat())
      expect(await claimsIn((await receiptAt(runId, '')).body)).toMatchObject({
        actions: [{ id: actionId, outcome: 'completed' }],
        denied: [{ verb: 'repo.commit' }],
        spent: { calls: 1, cost: { USD: 3 } },
        ended: { reason: expect.stringContaining('completed') as string },
      });
    for (const [i, done] of tasks.entries()) {
      const [from, until] = bounds.slice(i, i + 2) as [string, string];
      const claims = await claimsOf(root.runId, from, until, token);
      expect(claims).toMatchObject({
        period: { from, until },
        requestedBy: RUN.requestedBy,
        spent: { calls: 1 },
        renewals: [{ grantId: root.grantId, times: 1 }],
        children: done.map(({ runId }) => ({ runId, ended: expect.any(String) as string })),
        inFlight: { atStart: { children: [] }, atEnd: { children: [], actions: [] } },
        ended: null,
      });
      // receipts of the tasks are separate, and the tasks of other periods are not in this one
      expect(claims.children).toHaveLength(2);
    }
    const whole = await claimsIn((await receiptAt(root.runId, '')).body);
    expect(whole.children).toHaveLength(6);
    expect(whole.spent.calls).toBe(3);
  }, 60_000);
});
