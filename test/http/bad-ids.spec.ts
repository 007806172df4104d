import { http, Stack, until, type HttpAnswer } from '../support/stack';
import {
  call,
  changesAfter,
  GRANT,
  head,
  makeTenant,
  openRun,
  problemIn,
  RUN,
  unknown,
  writtenAfter,
  type Opened,
} from './world';

type Json = Record<string, unknown>;
type Keys = Record<string, string>;

/** One id of each kind that a tenant has. */
interface Estate extends Opened {
  readonly actionId: string;
  readonly approvalId: string;
  readonly revocationId: string;
}

let stack: Stack;
let acme: Keys;
let theirs: Estate;
let ours: Estate;

async function estate(keys: Keys): Promise<Estate> {
  const run = await openRun(stack, GRANT, keys.orchestrator);
  const post = async (role: string, path: string, body: unknown): Promise<Json> =>
    (await http(stack, 'POST', path, { key: keys[role]!, body })).body;
  const { actionId } = await post('enforcer', '/v1/actions', call(run.grantId));
  const { approval } = await post('orchestrator', '/v1/runs', { ...RUN, requireApproval: true });
  const selector = { agentClass: 'unused' };
  const { revocationId } = await post('responder', '/v1/revocations', {
    selector,
    reason: 'x',
    force: true,
    quarantine: true,
  });
  const key = keys.responder!;
  await until(
    'the revocation to be read',
    async () => (await http(stack, 'GET', `/v1/revocations/${String(revocationId)}`, { key })).status === 200,
  );
  return {
    ...run,
    actionId: String(actionId),
    approvalId: (approval as { id: string }).id,
    revocationId: String(revocationId),
  };
}

beforeAll(async () => {
  stack = await Stack.tenant();
  acme = await makeTenant(stack, 'acme');
  theirs = await estate(stack.keys);
  ours = await estate(acme);
}, 120_000);
afterAll(() => stack.stop());

/** Every route that takes an id, with the kind of the id, a role that may call it, and a valid body. */
const ROUTES: [string, string, keyof Estate, string, Json?][] = [
  ['POST', '/v1/grants/{}/delegations', 'grantId', 'orchestrator', { agent: { class: 'c' }, task: 't', grant: {} }],
  ['GET', '/v1/runs/{}', 'runId', 'analyst'],
  ['GET', '/v1/grants/{}', 'grantId', 'analyst'],
  ['GET', '/v1/trees/{}', 'treeId', 'analyst'],
  ['GET', '/v1/trees/{}?at=3', 'treeId', 'analyst'],
  ['POST', '/v1/runs/{}/completion', 'runId', 'orchestrator', {}],
  ['POST', '/v1/runs/{}/escalations', 'runId', 'orchestrator', { want: GRANT, reason: 'x' }],
  ['POST', '/v1/actions/{}/outcome', 'actionId', 'enforcer', { status: 'completed' }],
  ['GET', '/v1/approvals/{}', 'approvalId', 'approver'],
  ['POST', '/v1/approvals/{}/decision', 'approvalId', 'approver', { verdict: 'approve' }],
  ['POST', '/v1/grants/{}/revocation', 'grantId', 'responder', { reason: 'x' }],
  ['POST', '/v1/grants/{}/renewal', 'grantId', 'orchestrator', {}],
  ['POST', '/v1/grants/{}/narrowing', 'grantId', 'responder', { grant: {}, reason: 'x' }],
  ['POST', '/v1/grants/{}/suspension', 'grantId', 'responder', { reason: 'x' }],
  ['POST', '/v1/grants/{}/resumption', 'grantId', 'responder', { reason: 'x' }],
  ['GET', '/v1/revocations/{}', 'revocationId', 'responder'],
  ['POST', '/v1/revocations/{}/resumption', 'revocationId', 'responder', { reason: 'x' }],
  ['GET', '/v1/revocations/{}/regrants', 'revocationId', 'analyst'],
  ['POST', '/v1/revocations/{}/regrants', 'revocationId', 'orchestrator', { accept: [`grt_0_${'0'.repeat(26)}`] }],
  ['DELETE', '/v1/quarantines/{}', 'revocationId', 'responder'],
  ['GET', '/v1/runs/{}/receipt', 'runId', 'analyst'],
  ['GET', '/v1/trees/{}/receipt', 'treeId', 'analyst'],
  ['GET', '/v1/actions/{}/receipt', 'actionId', 'analyst'],
  ['GET', '/v1/runs/{}/drift', 'runId', 'analyst'],
  ['GET', '/v1/runs/{}/graph', 'runId', 'analyst'],
  ['GET', '/v1/actions/{}/custody', 'actionId', 'analyst'],
];
const routes = ROUTES.map((route): [string, (typeof ROUTES)[number]] => [`${route[0]} ${route[1]}`, route]);

function ask([method, path, , role, body]: (typeof ROUTES)[number], id: string, keys: Keys): Promise<HttpAnswer> {
  return http(stack, method, path.replace('{}', id), { key: keys[role]!, ...(body ? { body } : {}) });
}
/** Removes the id from a refusal: the rest must be equal for every unknown id. */
const shapeOf = (answer: HttpAnswer, id: string): string =>
  JSON.stringify([answer.status, [...answer.headers.keys()].sort(), answer.body]).replaceAll(id, '<id>');

describe('an id', () => {
  it.each(routes)('of another tenant gets the same 404 as an id that does not exist: %s', async (_name, route) => {
    const id = theirs[route[2]] as string;
    const before = { theirs: await head(stack), ours: await head(stack, acme.analyst) };
    const [other, none] = [await ask(route, id, acme), await ask(route, unknown(id), acme)];
    expect([other.status, problemIn(other)]).toEqual([404, 'NOT_FOUND']);
    expect(shapeOf(other, id)).toBe(shapeOf(none, unknown(id)));
    expect(await writtenAfter(stack, before.theirs)).toEqual([]);
    expect(await changesAfter(stack, before.ours, acme.analyst)).toEqual([]);
  });

  it.each(routes)('that is malformed gets 404: %s', async (_name, route) => {
    const id = ours[route[2]] as string;
    const wrong = [
      'x',
      '0',
      id.slice(0, -1),
      `${id}0`,
      id.toUpperCase(),
      id.replace(/^.../, 'xyz'),
      `${id}%0A`,
      `%20${id}`,
      '..%2f..',
      '%00',
      'a'.repeat(300),
      `${id}%2f..`,
    ];
    const before = await head(stack, acme.analyst);
    for (const each of wrong) {
      const answer = await ask(route, each, acme);
      expect([each, answer.status, problemIn(answer)]).toEqual([each, 404, 'NOT_FOUND']);
    }
    expect(await writtenAfter(stack, before, acme.analyst)).toEqual([]);
  });

  it.each(routes)('of a log that the tenant does not have gets 404 at once: %s', async (_name, route) => {
    const id = (ours[route[2]] as string).replace('_0_', '_7_');
    const answer = await ask(route, id, acme);
    expect([answer.status, problemIn(answer)]).toEqual([404, 'NOT_FOUND']);
  });

  it('of another kind gets 404', async () => {
    for (const route of ROUTES) {
      const other = route[2] === 'runId' ? ours.grantId : ours.runId;
      expect([route[1], (await ask(route, other, acme)).status]).toEqual([route[1], 404]);
    }
  });
});

describe('lists and filters show nothing of another tenant', () => {
  it.each([
    '/v1/runs',
    '/v1/grants',
    '/v1/actions',
    '/v1/approvals',
    '/v1/approvals?status=pending',
    '/v1/events?limit=1000',
  ])('in %s', async (path) => {
    const text = async (keys: Keys): Promise<string> =>
      JSON.stringify((await http(stack, 'GET', path, { key: keys.analyst! })).body);
    const leaks = (content: string, of: Estate): string[] =>
      Object.values(of).filter((id) => typeof id === 'string' && content.includes(id));
    // waits until the own ids appear, so that the absence of the other tenant's ids is meaningful
    await until(`${path} to show the own ids`, async () => leaks(await text(acme), ours).length > 0);
    expect(leaks(await text(acme), theirs)).toEqual([]);
    expect(leaks(await text(stack.keys), ours)).toEqual([]);
  });

  it('if filtered by its ids', async () => {
    for (const path of [
      `/v1/runs?treeId=${theirs.treeId}`,
      `/v1/actions?runId=${theirs.runId}`,
      `/v1/events?runId=${theirs.runId}`,
    ]) {
      const { status, body } = await http(stack, 'GET', path, { key: acme.analyst! });
      expect([path, status, body.items]).toEqual([path, 200, []]);
    }
  });

  it.each(['default/0', 'default/00', 'unknown/0'])('if the log %s is named', async (log) => {
    for (const path of ['/v1/events', '/v1/log/verification']) {
      const answer = await http(stack, 'GET', `${path}?log=${log}`, { key: acme.analyst! });
      expect([path, answer.status, problemIn(answer)]).toEqual([path, 404, 'NOT_FOUND']);
    }
  });
});

describe('an id in a body', () => {
  const act = (body: Json, keys = acme): Promise<HttpAnswer> =>
    http(stack, 'POST', '/v1/actions', { key: keys.enforcer!, body });
  const more = (part: Json): Json => ({ ...call(ours.grantId), ...part });

  it('that is malformed gets 400', async () => {
    for (const body of [
      call('x'),
      call(ours.runId),
      more({ approvalId: 'x' }),
      more({ parentActionId: ours.grantId }),
    ]) {
      const answer = await act(body);
      expect([answer.status, problemIn(answer)]).toEqual([400, 'BAD_REQUEST']);
    }
  });

  it('of another tenant gets the same answer as an id that does not exist', async () => {
    const before = await head(stack);
    for (const [field, id] of [
      ['grantId', theirs.grantId],
      ['approvalId', theirs.approvalId],
      ['parentActionId', theirs.actionId],
    ] as const) {
      const [other, none] = [await act(more({ [field]: id })), await act(more({ [field]: unknown(id) }))];
      const plain = (answer: HttpAnswer, of: string): unknown => {
        const { actionId: _a, position: _p, expiresAt: _e, remaining: _r, ...rest } = answer.body;
        return JSON.parse(JSON.stringify([answer.status, rest]).replaceAll(of, '<id>'));
      };
      expect(plain(other, id)).toEqual(plain(none, unknown(id)));
      expect(other.body.decision).not.toBe('permit');
    }
    expect(await writtenAfter(stack, before)).toEqual([]);
  });

  it('of another tenant is refused in a batch, and the other actions are decided', async () => {
    const body = { actions: [call(ours.grantId), call(theirs.grantId), call(ours.grantId)] };
    const answer = await http(stack, 'POST', '/v1/actions:batch', { key: acme.enforcer!, body });
    expect(answer.status).toBe(200);
    expect(answer.body.answers).toMatchObject([
      { decision: 'permit' },
      { error: { status: 404, code: 'NOT_FOUND' } },
      { decision: 'permit' },
    ]);
  });
});

describe('a revocation', () => {
  it('of a principal does not affect other tenants', async () => {
    const body = { selector: { principal: RUN.requestedBy }, reason: 'x', force: true };
    const answer = await http(stack, 'POST', '/v1/revocations', { key: acme.responder!, body });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body.positions as object)).toEqual(['acme/0']);
    const permit = (keys: Keys, of: Estate) =>
      http(stack, 'POST', '/v1/actions', { key: keys.enforcer!, body: call(of.grantId) });
    expect((await permit(acme, ours)).body.decision).toBe('deny');
    expect((await permit(stack.keys, theirs)).body.decision).toBe('permit');
  });
});
