import { STREAM } from './bodies';
import { http, type Stack } from '../support/stack';
import { call, GRANT, RUN, shorten, type Opened } from './world';

/**
 * The roles that may call each route, written by hand from API.md, and from DESIGN.md if API.md leaves a role open.
 * Not derived from the routes: this table is compared with them.
 */

export const ROLES = ['admin', 'orchestrator', 'enforcer', 'approver', 'responder', 'analyst', 'run'] as const;
/** a key's role, or a run with its grant token */
export type Who = (typeof ROLES)[number];

export interface Request {
  readonly path: string;
  readonly body?: unknown;
}
export interface Row {
  readonly route: string;
  /** the status of a permitted request */
  readonly status: number;
  readonly may: readonly Who[] | 'anyone';
  /** a request that succeeds, for a run opened for it */
  readonly request: (stack: Stack, run: Opened) => Request | Promise<Request>;
}

const READERS: readonly Who[] = ['orchestrator', 'approver', 'responder', 'analyst'];
/** Every key, and no grant token. */
const KEYS: readonly Who[] = ROLES.filter((role) => role !== 'run');
const reason = 'a test';
let made = 0;

async function permitted(stack: Stack, { grantId }: Opened): Promise<string> {
  const { body } = await http(stack, 'POST', '/v1/actions', { key: stack.keys.enforcer, body: call(grantId) });
  return String(body.actionId);
}
async function asked(stack: Stack): Promise<string> {
  const body = { ...RUN, requireApproval: true };
  const answer = await http(stack, 'POST', '/v1/runs', { key: stack.keys.orchestrator, body });
  return (answer.body.approval as { id: string }).id;
}
async function askedForMore(stack: Stack, { runId, token }: Opened): Promise<string> {
  const body = { want: { ...GRANT, budget: { ...GRANT.budget, calls: 500 + ++made } }, reason };
  const answer = await http(stack, 'POST', `/v1/runs/${runId}/escalations`, { key: token, body });
  return (answer.body.approval as { id: string }).id;
}
/** Evaluates a call of high risk, and returns the request for access that follows. */
async function stepUp(stack: Stack, run: Opened): Promise<{ request: object; approvalId: string }> {
  const action = { name: 'repo.read', properties: { risk: 'high', args: { n: ++made } } };
  const body = { ...evaluation(run), action };
  const answer = await http(stack, 'POST', '/access/v1/evaluation', { key: stack.keys.enforcer, body });
  const context = answer.body.context as { access_request: object; stepUp: { approvalId: string } };
  return { request: { ...body, denial: context.access_request }, approvalId: context.stepUp.approvalId };
}
async function child(stack: Stack, { grantId, token }: Opened): Promise<{ runId: string; grantId: string }> {
  const body = { agent: { class: 'child' }, task: 'read', grant: {} };
  const answer = await http(stack, 'POST', `/v1/grants/${grantId}/delegations`, { key: token, body });
  const [run, grant] = [answer.body.run as { id: string }, answer.body.grant as { id: string }];
  return { runId: run.id, grantId: grant.id };
}
const unusedClass = (): Record<string, string> => ({ agentClass: `unused-${++made}` });
/** Opens a run for a new principal and returns the principal. */
async function person(stack: Stack): Promise<string> {
  const requestedBy = `user:erased-${++made}@example.com`;
  await http(stack, 'POST', '/v1/runs', { key: stack.keys.orchestrator, body: { ...RUN, requestedBy } });
  return requestedBy;
}
async function revoked(stack: Stack, more: object = {}): Promise<string> {
  const body = { selector: unusedClass(), reason, force: true, quarantine: true, ...more };
  const answer = await http(stack, 'POST', '/v1/revocations', { key: stack.keys.responder, body });
  return String(answer.body.revocationId);
}
async function policyVersion(stack: Stack): Promise<number> {
  const { body } = await http(stack, 'GET', '/v1/policies', { key: stack.keys.admin as string });
  return body.current as number;
}

async function issued(stack: Stack): Promise<string> {
  const body = { name: `k${++made}`, role: 'analyst' };
  return String((await http(stack, 'POST', '/v1/keys', { key: stack.keys.admin, body })).body.id);
}

const soon = (): string => new Date(Date.now() + 600_000).toISOString();

const BUDGET = { selector: { agentClass: 'unused' }, budget: { calls: 1 } };
async function budget(stack: Stack): Promise<string> {
  await http(stack, 'PUT', '/v1/budgets/some', { key: stack.keys.admin, body: BUDGET });
  return 'some';
}
const evaluation = ({ grantId }: Opened): Record<string, unknown> => ({
  subject: { type: 'grant', id: grantId },
  action: { name: 'repo.read' },
  resource: { type: 'repo', id: 'acme/clord' },
});
const row = (route: string, status: number, may: Row['may'], request: Row['request']): Row => ({
  route,
  status,
  may,
  request,
});
const open = (route: string, path: string): Row => row(route, 200, 'anyone', () => ({ path }));

const LOG = { log: 'default/0', size: 0, root: `${'A'.repeat(43)}=`, checkpoint: null, vkey: '' };
const EXPORTED = {
  bailiwick: 'export',
  version: 1,
  tenant: 'default',
  made: '2026-01-01T00:00:00Z',
  pseudonyms: `sha256:${'0'.repeat(64)}`,
  logs: [LOG],
};
const EVENT = { log: 'default/0', position: 0, type: 'x', time: '2026-01-01T00:00:00Z', body: '{}', payload: null };

export const TABLE: readonly Row[] = [
  // Delegating: orchestrator, or the parent's own grant token
  row('POST /v1/runs', 201, ['orchestrator'], () => ({ path: '/v1/runs', body: RUN })),
  row('POST /v1/grants/{id}/delegations', 201, ['orchestrator', 'run'], (_stack, { grantId }) => ({
    path: `/v1/grants/${grantId}/delegations`,
    body: { agent: { class: 'child' }, task: 'read', grant: {} },
  })),
  row('GET /v1/runs/{id}', 200, [...READERS, 'enforcer', 'run'], (_stack, { runId }) => ({
    path: `/v1/runs/${runId}`,
  })),
  row('GET /v1/grants/{id}', 200, [...READERS, 'enforcer', 'run'], (_stack, { grantId }) => ({
    path: `/v1/grants/${grantId}`,
  })),
  row('GET /v1/trees/{id}', 200, [...READERS, 'run'], (_stack, { treeId }) => ({ path: `/v1/trees/${treeId}` })),
  row('POST /v1/runs/{id}/token', 200, ['orchestrator', 'run'], async (stack, run) => ({
    path: `/v1/runs/${(await child(stack, run)).runId}/token`,
    body: {},
  })),
  row('POST /v1/runs/{id}/completion', 200, ['orchestrator', 'run'], (_stack, { runId }) => ({
    path: `/v1/runs/${runId}/completion`,
    body: {},
  })),
  row('POST /v1/runs/{id}/escalations', 202, ['orchestrator', 'run'], (_stack, { runId }) => ({
    path: `/v1/runs/${runId}/escalations`,
    body: { want: { ...GRANT, budget: { ...GRANT.budget, calls: 400 } }, reason },
  })),

  // Deciding: enforcer, or the run's own token
  row('POST /v1/actions', 200, ['enforcer', 'run'], (_stack, { grantId }) => ({
    path: '/v1/actions',
    body: call(grantId),
  })),
  row('POST /v1/actions:batch', 200, ['enforcer', 'run'], (_stack, { grantId }) => ({
    path: '/v1/actions:batch',
    body: { actions: [call(grantId)] },
  })),
  row('POST /v1/actions/{id}/outcome', 200, ['enforcer', 'run'], async (stack, run) => ({
    path: `/v1/actions/${await permitted(stack, run)}/outcome`,
    body: { status: 'completed', effects: {} },
  })),
  row('POST /access/v1/evaluation', 200, ['enforcer', 'run'], (_stack, run) => ({
    path: '/access/v1/evaluation',
    body: evaluation(run),
  })),
  row('POST /access/v1/evaluations', 200, ['enforcer', 'run'], (_stack, run) => ({
    path: '/access/v1/evaluations',
    body: { evaluations: [evaluation(run)] },
  })),
  ...['subject', 'resource', 'action'].map((kind) =>
    row(`POST /access/v1/search/${kind}`, 200, ['enforcer', 'run'], (_stack, run) => ({
      path: `/access/v1/search/${kind}`,
      body: evaluation(run),
    })),
  ),
  row('POST /access/v1/requests', 202, ['enforcer', 'run'], async (stack, run) => ({
    path: '/access/v1/requests',
    body: (await stepUp(stack, run)).request,
  })),
  row('GET /access/v1/requests/{id}', 200, ['enforcer', 'run'], async (stack, run) => ({
    path: `/access/v1/requests/${(await stepUp(stack, run)).approvalId}`,
  })),
  row('DELETE /access/v1/requests/{id}', 200, ['enforcer', 'run'], async (stack, run) => ({
    path: `/access/v1/requests/${(await stepUp(stack, run)).approvalId}`,
  })),
  row('GET /v1/approvals', 200, READERS, () => ({ path: '/v1/approvals?status=pending' })),
  row('GET /v1/approvals/{id}', 200, [...READERS, 'enforcer', 'run'], async (stack, run) => ({
    path: `/v1/approvals/${await askedForMore(stack, run)}`,
  })),
  row('GET /v1/permissions/self', 200, ['run'], () => ({ path: '/v1/permissions/self' })),
  row('POST /v1/approvals/{id}/decision', 200, ['approver'], async (stack) => ({
    path: `/v1/approvals/${await asked(stack)}/decision`,
    body: { verdict: 'approve', note: reason },
  })),

  // Revoking: responder; the orchestrator that opened a run may also end it
  // a run's own token: for what it delegated
  row('POST /v1/grants/{id}/revocation', 200, ['responder', 'orchestrator', 'run'], async (stack, run) => ({
    path: `/v1/grants/${(await child(stack, run)).grantId}/revocation`,
    body: { reason, subtree: true },
  })),
  row('POST /v1/grants/{id}/renewal', 200, ['orchestrator', 'run'], async (stack, { grantId }) => {
    await shorten(stack, grantId);
    return { path: `/v1/grants/${grantId}/renewal`, body: {} };
  }),
  row('POST /v1/grants/{id}/narrowing', 200, ['orchestrator', 'responder', 'run'], (_stack, { grantId }) => ({
    path: `/v1/grants/${grantId}/narrowing`,
    body: { grant: { budget: { calls: 150 } }, reason },
  })),
  row('POST /v1/grants/{id}/suspension', 200, ['responder', 'approver', 'run'], async (stack, run) => ({
    path: `/v1/grants/${(await child(stack, run)).grantId}/suspension`,
    body: { reason },
  })),
  row('POST /v1/grants/{id}/resumption', 200, ['responder', 'approver', 'run'], async (stack, run) => {
    const path = `/v1/grants/${(await child(stack, run)).grantId}`;
    await http(stack, 'POST', `${path}/suspension`, { key: run.token, body: { reason } });
    return { path: `${path}/resumption`, body: { reason } };
  }),
  row('POST /v1/revocations/preview', 200, ['responder'], () => ({
    path: '/v1/revocations/preview',
    body: { selector: unusedClass() },
  })),
  row('POST /v1/revocations', 200, ['responder'], () => ({
    path: '/v1/revocations',
    body: { selector: unusedClass(), reason, force: true },
  })),
  row('GET /v1/revocations', 200, ['responder', 'analyst'], () => ({ path: '/v1/revocations' })),
  row('GET /v1/revocations/{id}', 200, ['responder', 'analyst'], async (stack) => ({
    path: `/v1/revocations/${await revoked(stack)}`,
  })),
  row('POST /v1/revocations/{id}/resumption', 200, ['responder'], async (stack) => ({
    path: `/v1/revocations/${await revoked(stack, { mode: 'suspend' })}/resumption`,
    body: { reason },
  })),
  row('GET /v1/revocations/{id}/regrants', 200, ['responder', 'orchestrator', 'analyst'], async (stack) => ({
    path: `/v1/revocations/${await revoked(stack)}/regrants`,
  })),
  row('POST /v1/revocations/{id}/regrants', 200, ['orchestrator'], async (stack, { grantId }) => ({
    path: `/v1/revocations/${await revoked(stack)}/regrants`,
    body: { accept: [grantId] },
  })),
  row('GET /v1/enforcement-points', 200, ['responder', 'analyst', 'admin'], () => ({ path: '/v1/enforcement-points' })),
  row('DELETE /v1/quarantines/{id}', 200, ['responder'], async (stack) => ({
    path: `/v1/quarantines/${await revoked(stack)}`,
  })),

  // Reading and replaying: analyst; enforcement points follow the feed, orchestrators and approvers read the lists
  row('GET /v1/events', 200, ['analyst'], () => ({ path: '/v1/events?limit=1' })),
  row('GET /v1/events/stream', 200, ['analyst', 'enforcer', 'responder'], () => ({ path: '/v1/events/stream' })),
  row('POST /v1/replays', 200, ['analyst'], () => ({ path: '/v1/replays', body: { change: {}, to: 10 } })),
  row('GET /v1/log/verification', 200, ['analyst'], () => ({ path: '/v1/log/verification' })),
  row('GET /v1/runs', 200, READERS, () => ({ path: '/v1/runs?limit=1' })),
  row('GET /v1/grants', 200, READERS, () => ({ path: '/v1/grants?limit=1' })),
  row('GET /v1/actions', 200, READERS, () => ({ path: '/v1/actions?limit=1' })),
  ...['receipt', 'drift', 'graph'].map((what) =>
    row(`GET /v1/runs/{id}/${what}`, 200, [...READERS, 'run'], (_stack, { runId, position }) => ({
      path: `/v1/runs/${runId}/${what}?minPosition=${position}`,
    })),
  ),
  row('GET /v1/trees/{id}/receipt', 200, READERS, (_stack, { treeId, position }) => ({
    path: `/v1/trees/${treeId}/receipt?minPosition=${position}`,
  })),
  row('GET /v1/actions/{id}/receipt', 200, READERS, async (stack, run) => ({
    path: `/v1/actions/${await permitted(stack, run)}/receipt?minPosition=${run.position + 1}`,
  })),
  row('GET /v1/approvals/{id}/receipt', 200, READERS, async (stack, run) => ({
    path: `/v1/approvals/${(await stepUp(stack, run)).approvalId}/receipt?minPosition=${run.position + 1}`,
  })),
  row('GET /v1/actions/{id}/custody', 200, ['analyst', 'approver', 'responder'], async (stack, run) => ({
    path: `/v1/actions/${await permitted(stack, run)}/custody?minPosition=${run.position + 1}`,
  })),

  // Rebuilding read models: of a log that does not exist, since a real log allows only one rebuild at a time
  row('GET /v1/rebuilds', 200, ['admin'], () => ({ path: '/v1/rebuilds' })),
  row('POST /v1/rebuilds', 404, ['admin'], () => ({ path: '/v1/rebuilds', body: { log: 'default/9' } })),

  // Tenant budgets
  row('PUT /v1/budgets/{name}', 200, ['admin'], () => ({ path: `/v1/budgets/b${++made}`, body: BUDGET })),
  row('GET /v1/budgets', 200, ['admin', 'analyst', 'responder'], () => ({ path: '/v1/budgets' })),
  row('GET /v1/budgets/{name}', 200, ['admin', 'analyst', 'responder'], async (stack) => ({
    path: `/v1/budgets/${await budget(stack)}`,
  })),
  row('DELETE /v1/budgets/{name}', 200, ['admin'], async (stack) => ({ path: `/v1/budgets/${await budget(stack)}` })),

  // Policies: each request replaces the version in force
  row('POST /v1/policies', 201, ['admin'], async (stack) => ({
    path: '/v1/policies',
    body: { bundle: { 'empty.yaml': '' }, replaces: await policyVersion(stack) },
  })),
  row('POST /v1/policies/check', 200, ['admin', 'analyst'], () => ({
    path: '/v1/policies/check',
    body: { bundle: { 'empty.yaml': '' } },
  })),
  row('POST /v1/policies/diff', 200, ['admin', 'analyst'], () => ({
    path: '/v1/policies/diff',
    body: { bundle: { 'empty.yaml': '' }, last: 1 },
  })),
  row('POST /v1/policies/responders', 200, ['admin', 'analyst', 'responder'], () => ({
    path: '/v1/policies/responders',
    body: {},
  })),
  row('GET /v1/policies/shadow', 200, ['admin', 'analyst'], async (stack) => {
    const body = { bundle: { 'empty.yaml': '' }, replaces: await policyVersion(stack), mode: 'shadow', until: soon() };
    await http(stack, 'POST', '/v1/policies', { key: stack.keys.admin as string, body });
    return { path: '/v1/policies/shadow' };
  }),
  row('GET /v1/policies/signals', 200, ['admin', 'analyst', 'approver'], () => ({ path: '/v1/policies/signals' })),
  row('GET /v1/policies', 200, KEYS, () => ({ path: '/v1/policies' })),
  row('GET /v1/policies/current', 200, KEYS, () => ({ path: '/v1/policies/current' })),
  row('GET /v1/policies/{version}', 200, KEYS, () => ({ path: '/v1/policies/0' })),

  // Erasing
  row('POST /v1/erasures/preview', 200, ['admin'], () => ({
    path: '/v1/erasures/preview',
    body: { subject: 'user:unknown@example.com' },
  })),
  row('POST /v1/erasures', 200, ['admin'], async (stack) => ({
    path: '/v1/erasures',
    body: { subject: await person(stack), reason },
  })),
  // Unreadable events: this log has none
  row('GET /v1/log/unreadable', 200, ['admin', 'analyst'], () => ({ path: '/v1/log/unreadable' })),
  row('POST /v1/log/repairs', 404, ['admin'], () => ({
    path: '/v1/log/repairs',
    body: { position: 0, bodyDigest: `sha256:${'0'.repeat(64)}`, reason },
  })),
  // Moving a tenant: this one is not empty and has no import in progress
  row('GET /v1/export', 200, ['admin'], () => ({ path: '/v1/export' })),
  row('POST /v1/imports', 409, ['admin'], () => ({ path: '/v1/imports', body: { header: EXPORTED } })),
  row('GET /v1/imports', 404, ['admin'], () => ({ path: '/v1/imports' })),
  row('POST /v1/imports/events', 404, ['admin'], () => ({ path: '/v1/imports/events', body: { events: [EVENT] } })),
  row('POST /v1/imports/completion', 404, ['admin'], () => ({ path: '/v1/imports/completion', body: {} })),
  // Keys
  row('POST /v1/keys', 201, ['admin'], () => ({ path: '/v1/keys', body: { name: `k${++made}`, role: 'analyst' } })),
  row('GET /v1/keys', 200, ['admin'], () => ({ path: '/v1/keys' })),
  row('POST /v1/keys/{id}/rotation', 200, ['admin'], async (stack) => ({
    path: `/v1/keys/${await issued(stack)}/rotation`,
    body: { overlap: '1h' },
  })),
  row('DELETE /v1/keys/{id}', 200, ['admin'], async (stack) => ({ path: `/v1/keys/${await issued(stack)}` })),
  // MCP servers: none is registered here, so the boundary does not run (test/e2e/boundary)
  row('GET /v1/mcp/servers', 200, ['admin', 'analyst'], () => ({ path: '/v1/mcp/servers' })),
  // an address with a secret, since a registration would start the boundary
  row('PUT /v1/mcp/servers/{name}', 400, ['admin'], () => ({
    path: '/v1/mcp/servers/files',
    body: { upstream: { url: 'https://ada:secret@mcp.example.com/' } },
  })),
  row('DELETE /v1/mcp/servers/{name}', 404, ['admin'], () => ({ path: '/v1/mcp/servers/files' })),
  row('GET /v1/mcp/servers/{name}', 503, ['admin', 'analyst'], () => ({ path: '/v1/mcp/servers/files' })),
  row('POST /v1/mcp/servers/{name}/approval', 503, ['admin'], () => ({
    path: '/v1/mcp/servers/files/approval',
    body: { digest: `sha256:${'0'.repeat(64)}` },
  })),
  // Webhooks: none is registered here (test/http/webhooks.spec.ts)
  row('GET /v1/webhooks', 200, ['admin', 'analyst'], () => ({ path: '/v1/webhooks' })),
  row('PUT /v1/webhooks/{name}', 400, ['admin'], () => ({
    path: '/v1/webhooks/siem',
    body: { url: 'https://ada:secret@siem.example.com/' },
  })),
  row('GET /v1/webhooks/{name}', 404, ['admin', 'analyst'], () => ({ path: '/v1/webhooks/siem' })),
  row('DELETE /v1/webhooks/{name}', 404, ['admin'], () => ({ path: '/v1/webhooks/siem' })),
  row('POST /v1/webhooks/{name}/rotation', 404, ['admin'], () => ({ path: '/v1/webhooks/siem/rotation', body: {} })),
  row('POST /v1/webhooks/{name}/test', 404, ['admin'], () => ({ path: '/v1/webhooks/siem/test', body: {} })),
  row('GET /v1/webhooks/{name}/dead-letters', 404, ['admin', 'analyst'], () => ({
    path: '/v1/webhooks/siem/dead-letters',
  })),
  row('POST /v1/webhooks/{name}/redelivery', 404, ['admin'], () => ({
    path: '/v1/webhooks/siem/redelivery',
    body: { id: 'default/0:0' },
  })),
  // a person, for what is theirs: the keys of roles name none (test/http/identity.spec.ts)
  row('GET /v1/mine', 200, [], () => ({ path: '/v1/mine' })),
  row('GET /v1/mine/actions', 200, [], () => ({ path: '/v1/mine/actions' })),
  open('GET /v1/sign-in', '/v1/sign-in'),
  // these read the cookie of a browser themselves (apps/gateway/src/sessions)
  row('GET /v1/session', 401, 'anyone', () => ({ path: '/v1/session' })),
  row('POST /v1/session', 403, 'anyone', () => ({ path: '/v1/session', body: { code: 'unknown' } })),
  row('DELETE /v1/session', 403, 'anyone', () => ({ path: '/v1/session' })),
  row('GET /v1/session/sign-in', 404, 'anyone', () => ({ path: '/v1/session/sign-in' })),
  row('GET /v1/session/callback', 400, 'anyone', () => ({ path: '/v1/session/callback' })),
  row('POST /v1/session-links', 201, KEYS, () => ({ path: '/v1/session-links', body: { keys: [] } })),
  row('POST /v1/sessions/revocation', 200, ['responder', 'admin'], () => ({
    path: '/v1/sessions/revocation',
    body: { person: 'user:unknown@example.com' },
  })),
  row('POST /v1/tenants', 201, ['admin'], () => ({ path: '/v1/tenants', body: { id: `tenant-${++made}` } })),
  open('GET /log/{tenant}/{n}/vkey', '/log/default/0/vkey'),
  open('GET /log/{tenant}/{n}/vkeys', '/log/default/0/vkeys'),
  open('GET /log/{tenant}/{n}/checkpoint', '/log/default/0/checkpoint'),
  open('GET /log/{tenant}/{n}/consistency', '/log/default/0/consistency?from=0'),
  open('GET /log/{tenant}/{n}/proof/{position}', '/log/default/0/proof/0'),
  open('GET /log/{tenant}/{n}/tile/{path}', '/log/default/0/tile/0/000.p/1'),
  // the stack is not configured as a witness
  row('GET /witness/vkey', 404, 'anyone', () => ({ path: '/witness/vkey' })),
  row('POST /witness/add-checkpoint', 404, 'anyone', () => ({ path: '/witness/add-checkpoint', body: {} })),
  open('GET /.well-known/authzen-configuration', '/.well-known/authzen-configuration'),
  open('GET /.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server'),
  open('GET /oauth/jwks', '/oauth/jwks'),
  // it refuses every request
  row('GET /oauth/authorize', 400, 'anyone', () => ({ path: '/oauth/authorize' })),
  // these take forms, and authenticate their clients themselves (test/http/oauth)
  ...['token', 'introspect', 'revoke'].map((name) =>
    row(`POST /oauth/${name}`, 400, 'anyone', () => ({ path: `/oauth/${name}`, body: {} })),
  ),
  // Streams of security events: none of this id exists (test/http/ssf.spec.ts)
  open('GET /.well-known/ssf-configuration', '/.well-known/ssf-configuration'),
  row('POST /v1/ssf/streams', 201, ['analyst', 'enforcer'], () => ({ path: '/v1/ssf/streams', body: {} })),
  row('GET /v1/ssf/streams', 200, ['analyst', 'enforcer'], () => ({ path: '/v1/ssf/streams' })),
  ...['PATCH', 'PUT'].map((method) =>
    row(`${method} /v1/ssf/streams`, 404, ['analyst', 'enforcer'], () => ({
      path: '/v1/ssf/streams',
      body: { stream_id: STREAM },
    })),
  ),
  row('DELETE /v1/ssf/streams', 404, ['analyst', 'enforcer'], () => ({
    path: `/v1/ssf/streams?stream_id=${STREAM}`,
  })),
  row('GET /v1/ssf/status', 404, ['analyst', 'enforcer'], () => ({ path: `/v1/ssf/status?stream_id=${STREAM}` })),
  row('POST /v1/ssf/status', 404, ['analyst', 'enforcer'], () => ({
    path: '/v1/ssf/status',
    body: { stream_id: STREAM, status: 'paused' },
  })),
  row('POST /v1/ssf/verification', 404, ['analyst', 'enforcer'], () => ({
    path: '/v1/ssf/verification',
    body: { stream_id: STREAM },
  })),
  row('POST /v1/ssf/streams/{id}/poll', 404, ['analyst', 'enforcer'], () => ({
    path: `/v1/ssf/streams/${STREAM}/poll`,
    body: {},
  })),
  // it authenticates transmitters itself, and none is configured here (apps/gateway/src/signals)
  row('POST /v1/signals/{transmitter}', 400, 'anyone', () => ({ path: '/v1/signals/idp', body: {} })),
  open('GET /schemas/{name}', '/schemas/receipt-v1.json'),
  open('GET /console', '/console'),
  open('GET /console/{path}', '/console/'),
  open('GET /healthz', '/healthz'),
  open('GET /readyz', '/readyz'),
  row('GET /metrics', 200, ['admin', 'analyst', 'responder'], () => ({ path: '/metrics' })),
  open('GET /openapi.json', '/openapi.json'),
  open('GET /docs', '/docs'),
];

/** Sends a request with a key, a token, or nothing; does not wait for the end of a stream. */
export async function send(
  stack: Stack,
  route: string,
  { path, body }: Request,
  key: string | undefined,
): Promise<{ status: number; code: unknown; headers: Headers }> {
  const [method = ''] = route.split(' ');
  if (!route.endsWith('/stream')) {
    const answer = await http(stack, method, path, { ...(key === undefined ? {} : { key }), body });
    return { status: answer.status, code: answer.body.code, headers: answer.headers };
  }
  const stop = new AbortController();
  const headers = { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) };
  const response = await fetch(stack.url + path, { headers, signal: stop.signal });
  const { code } = response.ok ? {} : ((await response.json()) as { code?: string });
  stop.abort();
  return { status: response.status, code, headers: response.headers };
}

export const keyOf = (stack: Stack, who: Who, run: Opened): string => (who === 'run' ? run.token : stack.keys[who]!);
