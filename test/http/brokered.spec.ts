import { http, Stack, until, type HttpAnswer } from '../support/stack';
import { GRANT, openRun, RUN, type Opened } from './world';

/** A service that is called from another tree: each side under its own lease, both named in the custody. */
let stack: Stack;
beforeAll(async () => {
  stack = await Stack.tenant();
}, 120_000);
afterAll(() => stack.stop());

const CODER = {
  ...GRANT,
  actions: { allow: ['repo.read', 'agent.call'] },
  resources: [
    { type: 'repo', match: 'acme/**' },
    { type: 'agent', match: 'version-control' },
  ],
  budget: { ...GRANT.budget, external: 5 },
};
const post = (key: string | undefined, path: string, body: object): Promise<HttpAnswer> =>
  http(stack, 'POST', path, { key, body });

async function openService(): Promise<Opened> {
  const body = { ...RUN, agent: { class: 'version-control' }, requestedBy: 'user:operator@example.com', grant: GRANT };
  const answer = await post(stack.keys.orchestrator, '/v1/runs', body);
  const [run, grant] = [answer.body.run as { id: string; treeId: string }, answer.body.grant as { id: string }];
  return { runId: run.id, treeId: run.treeId, grantId: grant.id, token: String(answer.body.token), position: 0 };
}
const permitCall = async ({ grantId }: Opened): Promise<string> => {
  const body = {
    grantId,
    action: { verb: 'agent.call', args: {} },
    resource: { type: 'agent', id: 'version-control' },
  };
  const answer = await post(stack.keys.enforcer, '/v1/actions', body);
  if (answer.body.decision !== 'permit') throw new Error(JSON.stringify(answer.body));
  return String(answer.body.actionId);
};
const push = ({ grantId }: Opened, actionId: string): Promise<HttpAnswer> =>
  post(stack.keys.enforcer, '/v1/actions', {
    grantId,
    action: { verb: 'repo.commit', args: {} },
    resource: { type: 'repo', id: 'acme/clord' },
    onBehalfOf: { actionId },
  });

it('shows both chains back to both people, and only ids of the other tree in receipts', async () => {
  const [coder, service] = [await openRun(stack, CODER), await openService()];
  const call = await permitCall(coder);
  const pushed = await push(service, call);
  expect(pushed.body.decision).toBe('permit');
  const own = String(pushed.body.actionId);
  interface Chain {
    readonly links: { readonly link: string; readonly says: string }[];
  }
  let custody: Chain & { readonly calledBy?: Chain & { readonly actionId: string } } = { links: [] };
  await until('the custody', async () => {
    const answer = await http(stack, 'GET', `/v1/actions/${own}/custody`, { key: stack.keys.analyst });
    custody = answer.body as unknown as typeof custody;
    return answer.status === 200;
  });
  expect(custody.links[0]?.says).toContain('user:operator@example.com');
  expect(custody.calledBy?.actionId).toBe(call);
  expect(custody.calledBy?.links[0]?.says).toContain('user:owner@example.com');
  const of = await http(stack, 'GET', `/v1/actions/${call}/custody`, { key: stack.keys.analyst });
  expect(of.body.called).toEqual([{ actionId: own, runId: service.runId, treeId: service.treeId }]);
});

it('is used by one action, in AuthZEN too', async () => {
  const [coder, service] = [await openRun(stack, CODER), await openService()];
  const call = await permitCall(coder);
  const evaluate = () =>
    post(stack.keys.enforcer, '/access/v1/evaluation', {
      subject: { type: 'grant', id: service.grantId },
      action: { name: 'repo.commit', properties: { args: {} } },
      resource: { type: 'repo', id: 'acme/clord' },
      context: { onBehalfOf: { actionId: call } },
    });
  expect((await evaluate()).body.decision).toBe(true);
  expect((await evaluate()).body.decision).toBe(false);
  expect(JSON.stringify((await push(service, call)).body.reasons)).toContain('CALL_ALREADY_USED');
});

it('permits no further step once the call has ended or the caller is revoked', async () => {
  const [coder, service] = [await openRun(stack, CODER), await openService()];
  const call = await permitCall(coder);
  await post(stack.keys.enforcer, `/v1/actions/${call}/outcome`, { status: 'completed', effects: {} });
  expect((await push(service, call)).body.decision).toBe('deny');
  const other = await permitCall(coder);
  await post(stack.keys.responder, `/v1/grants/${coder.grantId}/revocation`, { reason: 'a test' });
  expect((await push(service, other)).body.decision).toBe('deny');
});
