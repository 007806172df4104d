import { http, Stack, until, type HttpAnswer } from '../support/stack';
import { call, GRANT, openRun, problemIn, type Opened } from './world';

/** What a run's own token may do with what the run delegated, and nothing next to or above it. */
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.tenant();
}, 120_000);
afterAll(() => stack.stop());

const DEEP = { delegation: { depth: 1, children: 5, classes: ['*'] } };
const reason = 'it went astray';
const post = (key: string | undefined, path: string, body: object = {}): Promise<HttpAnswer> =>
  http(stack, 'POST', path, { key, body });
const get = (key: string | undefined, path: string): Promise<HttpAnswer> => http(stack, 'GET', path, { key });

async function delegate({ grantId, token }: Opened, grant: object = {}): Promise<Opened> {
  const answer = await post(token, `/v1/grants/${grantId}/delegations`, {
    agent: { class: 'child' },
    task: 'read',
    grant,
  });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return openedIn(answer);
}
function openedIn({ body }: HttpAnswer): Opened {
  const [run, grant] = [body.run as { id: string; treeId: string }, body.grant as { id: string }];
  return { runId: run.id, treeId: run.treeId, grantId: grant.id, token: String(body.token), position: 0 };
}
const decisionOf = async ({ grantId, token }: Opened): Promise<unknown> =>
  (await post(token, '/v1/actions', call(grantId))).body.decision;

describe('a run with its own token', () => {
  let [top, middle, leaf, sibling] = [] as unknown as [Opened, Opened, Opened, Opened];
  beforeEach(async () => {
    top = await openRun(stack);
    middle = await delegate(top, DEEP);
    leaf = await delegate(middle);
    sibling = await delegate(top);
  });

  it('reads everything below it', async () => {
    for (const path of [`/v1/runs/${leaf.runId}`, `/v1/grants/${leaf.grantId}`])
      expect((await get(top.token, path)).status).toBe(200);
    for (const part of ['receipt', 'drift', 'graph'])
      await until(`the ${part}`, async () => (await get(top.token, `/v1/runs/${leaf.runId}/${part}`)).status === 200);
  });

  it('sees in its graph which values of a result a child used, and no value', async () => {
    const found = 'DE89370400440532013000';
    const { action, ...rest } = call(top.grantId) as { action: object };
    const first = await post(top.token, '/v1/actions', {
      ...rest,
      action: { ...action, args: { n: 1 }, values: true },
    });
    const outcome = { status: 'completed', preview: `pay to ${found} today`, values: true };
    expect((await post(top.token, `/v1/actions/${String(first.body.actionId)}/outcome`, outcome)).status).toBe(200);
    const used = { ...action, args: { to: found }, values: true };
    const second = await post(middle.token, '/v1/actions', { ...rest, grantId: middle.grantId, action: used });
    const edge = { from: first.body.actionId, to: second.body.actionId, kind: 'data', values: 1 };
    await until('the flow of data', async () => {
      const { body } = await get(top.token, `/v1/runs/${top.runId}/graph`);
      return ((body.edges ?? []) as object[]).some((each) => JSON.stringify(each) === JSON.stringify(edge));
    });
    const { body } = await get(stack.keys.analyst, `/v1/events?treeId=${top.treeId}&type=ActionPermitted`);
    const marks = (body.items as { payload?: { values?: string[] } }[]).flatMap(({ payload }) => payload?.values ?? []);
    expect(marks).toContainEqual(expect.stringMatching(/^[\w-]{16}$/));
  });

  it('is asked about if its child sends what it read from a file, or does not state what it sends', async () => {
    const parent = await openRun(stack, {
      actions: { allow: ['file.read', 'http.post'] },
      resources: [{ type: '*', match: '**' }],
      budget: { external: 9 },
      delegation: DEEP.delegation,
      purpose: { onDrift: { stepUpAt: 1, suspendAt: 1 } },
    });
    const child = await delegate(parent);
    const act = async (of: Opened, verb: string, args: object, values?: true): Promise<Record<string, unknown>> => {
      const body = { grantId: of.grantId, action: { verb, args, values }, resource: { type: 'thing', id: 'x' } };
      return (await post(stack.keys.enforcer, '/v1/actions', body)).body;
    };
    const line = 'quarterly result 4711-0815';
    const read = await act(parent, 'file.read', { path: 'notes' }, true);
    const outcome = { status: 'completed', preview: `dear all\n${line}`, values: true };
    await post(stack.keys.enforcer, `/v1/actions/${String(read.actionId)}/outcome`, outcome);
    const sent = [
      await act(child, 'http.post', { body: 'nothing of the file' }, true),
      await act(child, 'http.post', { body: line }, true),
      await act(child, 'http.post', { body: 'nothing of the file' }),
    ];
    expect(sent.map(({ decision, reasons }) => [decision, JSON.stringify(reasons).includes('file-posted')])).toEqual([
      ['permit', false],
      ['step-up', true],
      ['step-up', true],
    ]);
    const { body } = await get(stack.keys.analyst, `/v1/events?treeId=${parent.treeId}`);
    const all = (body.items as { data: { marks?: string[] } }[]).map(({ data }) => data);
    expect(JSON.stringify(all)).not.toContain(line);
    const marks = all.map((each) => each.marks ?? []);
    expect(marks.filter((each) => each.length > 0).length).toBeGreaterThanOrEqual(3);
  });

  it('reads nothing above or next to it, and cannot find out whether it exists', async () => {
    for (const other of [top, sibling])
      for (const path of [
        `/v1/runs/${other.runId}`,
        `/v1/grants/${other.grantId}`,
        `/v1/runs/${other.runId}/receipt`,
        `/v1/runs/${other.runId.slice(0, -4)}0000`,
      ])
        expect([path, problemIn(await get(middle.token, path))]).toEqual([path, 'FORBIDDEN']);
  });

  it('reads its own branch of the tree, and the bare ids above it', async () => {
    const { body } = await get(middle.token, `/v1/trees/${top.treeId}`);
    expect((body.runs as { id: string }[]).map(({ id }) => id)).toEqual([middle.runId, leaf.runId]);
    expect(body.above).toEqual({
      runs: [{ id: top.runId, status: 'active' }],
      grants: [{ id: top.grantId, status: 'active' }],
    });
    expect(JSON.stringify(body)).not.toContain(sibling.runId);
  });

  it('reads nothing of siblings at an earlier position, in events, lists, receipts or custody', async () => {
    const answer = await post(sibling.token, '/v1/actions', call(sibling.grantId));
    const actionId = String(answer.body.actionId);
    const ofSibling = [sibling.runId, sibling.grantId, actionId];
    const { position } = answer.body as { position?: number };
    for (const at of [String(position ?? 0), new Date().toISOString()]) {
      const read = await get(middle.token, `/v1/trees/${top.treeId}?at=${at}`);
      for (const id of ofSibling) expect(JSON.stringify(read.body)).not.toContain(id);
    }
    for (const path of [
      '/v1/events',
      `/v1/events?treeId=${top.treeId}`,
      `/v1/events?runId=${sibling.runId}`,
      '/v1/events/stream',
      '/v1/runs',
      '/v1/grants',
      '/v1/actions',
      `/v1/trees/${top.treeId}/receipt`,
      `/v1/runs/${sibling.runId}/receipt`,
      `/v1/runs/${sibling.runId}/drift`,
      `/v1/runs/${sibling.runId}/graph`,
      `/v1/actions/${actionId}/custody`,
      `/v1/actions/${actionId}/receipt`,
    ])
      expect([path, problemIn(await get(middle.token, path))]).toEqual([path, 'FORBIDDEN']);
  });

  it('narrows what it delegated, and nothing next to or above it', async () => {
    const narrow = ({ grantId }: Opened) =>
      post(middle.token, `/v1/grants/${grantId}/narrowing`, { grant: { budget: { calls: 5 } }, reason });
    expect((await narrow(leaf)).status).toBe(200);
    for (const other of [top, sibling]) expect(problemIn(await narrow(other))).toBe('FORBIDDEN');
  });

  it('revokes what it delegated, with everything below it', async () => {
    expect((await post(top.token, `/v1/grants/${middle.grantId}/revocation`, { reason })).status).toBe(200);
    expect([await decisionOf(middle), await decisionOf(leaf), await decisionOf(sibling)]).toEqual([
      'deny',
      'deny',
      'permit',
    ]);
  });

  it('suspends and resumes what it delegated', async () => {
    expect((await post(top.token, `/v1/grants/${leaf.grantId}/suspension`, { reason })).status).toBe(200);
    expect([await decisionOf(leaf), await decisionOf(middle)]).toEqual(['deny', 'permit']);
    expect((await post(top.token, `/v1/grants/${leaf.grantId}/resumption`, { reason })).status).toBe(200);
    expect(await decisionOf(leaf)).toBe('permit');
  });

  it('does not resume what a person has suspended', async () => {
    await post(top.token, `/v1/grants/${leaf.grantId}/suspension`, { reason });
    expect((await post(stack.keys.responder, `/v1/grants/${leaf.grantId}/suspension`, { reason })).status).toBe(200);
    expect(problemIn(await post(top.token, `/v1/grants/${leaf.grantId}/resumption`, { reason }))).toBe('FORBIDDEN');
    expect(await decisionOf(leaf)).toBe('deny');
  });

  it.each(['revocation', 'suspension', 'resumption'])('is refused a %s above, next to or of itself', async (what) => {
    for (const { grantId } of [top, middle, sibling])
      expect(problemIn(await post(middle.token, `/v1/grants/${grantId}/${what}`, { reason }))).toBe('FORBIDDEN');
  });

  it('may do nothing while it is suspended', async () => {
    await post(stack.keys.responder, `/v1/grants/${middle.grantId}/suspension`, { reason });
    expect(problemIn(await post(middle.token, `/v1/grants/${leaf.grantId}/revocation`, { reason }))).toBe(
      'GRANT_NOT_LIVE',
    );
  });

  it('is refused previews and revocations by selector', async () => {
    const selector = { agentClass: 'child' };
    for (const path of ['/v1/revocations/preview', '/v1/revocations'])
      expect(problemIn(await post(top.token, path, { selector, reason, force: true }))).toBe('FORBIDDEN');
  });
});

describe('a lease whose subagents wait for a person', () => {
  const child = { agent: { class: 'child' }, task: 'read the docs', grant: { budget: { calls: 20 } } };
  let top: Opened;
  beforeEach(async () => {
    top = await openRun(stack, { ...GRANT, delegation: { depth: 2, children: 2, classes: ['*'], ask: true } });
  });
  const ask = () => post(top.token, `/v1/grants/${top.grantId}/delegations`, child);

  it('answers 202 with a card that states which subagent, whose child, for what and with which limits', async () => {
    const { status, body } = await ask();
    expect([status, body.token, (body.run as { status: string }).status]).toEqual([202, undefined, 'pending']);
    const approval = body.approval as { asks: string; may: string[]; parentRunId: string };
    expect(approval.asks).toBe(`Let the repo-agent (${top.runId}) have a subagent child for: “read the docs”`);
    expect(approval.parentRunId).toBe(top.runId);
    expect(approval.may.join()).toContain('20 calls');
  });

  it('gives the parent the token of its child once a person has approved it with less', async () => {
    const { body } = await ask();
    const [{ id }, run] = [body.approval as { id: string }, body.run as { id: string }];
    expect(problemIn(await post(top.token, `/v1/runs/${run.id}/token`))).toBe('GRANT_NOT_LIVE');
    const decided = await post(stack.keys.approver, `/v1/approvals/${id}/decision`, {
      verdict: 'approve',
      grant: { budget: { calls: 3 } },
    });
    expect(decided.status).toBe(200);
    const answer = await post(top.token, `/v1/runs/${run.id}/token`);
    expect(answer.body.token).toBe(decided.body.token);
    const opened = openedIn(answer);
    expect((answer.body.grant as { limits: { budget: { calls: number } } }).limits.budget.calls).toBe(3);
    expect(await decisionOf(opened)).toBe('permit');
    await until('a receipt without findings', async () => {
      const receipt = await get(top.token, `/v1/runs/${run.id}/receipt`);
      return receipt.status === 200;
    });
  });

  it('refuses more requests than it may have children', async () => {
    await ask();
    await ask();
    expect(problemIn(await ask())).toBe('DELEGATION_NOT_ALLOWED');
  });

  it('refuses a wider approval, and one after the parent has ended', async () => {
    const { id } = (await ask()).body.approval as { id: string };
    const approve = (more: object = {}) =>
      post(stack.keys.approver, `/v1/approvals/${id}/decision`, { verdict: 'approve', ...more });
    expect(problemIn(await approve({ grant: { budget: { calls: 21 } } }))).toBe('GRANT_WIDENS_PARENT');
    await post(top.token, `/v1/runs/${top.runId}/completion`);
    expect(problemIn(await approve())).toBe('GRANT_NOT_LIVE');
  });
});
