import type { Opened } from './world';
import { GRANT, RUN } from './world';

type Json = Record<string, unknown>;

export const JKT = 'a'.repeat(43);
/** no stream has this id */
export const STREAM = '0'.repeat(32);
export const DIGEST = `sha256:${'0'.repeat(64)}`;

/** A valid grant request with every member. */
export const WHOLE_GRANT = {
  actions: { allow: ['repo.read', 'repo.commit'], deny: ['secret.read'], mode: 'execute' },
  resources: [
    { type: 'repo', match: 'acme/**', where: { sensitivity: { in: ['public'] }, size: { lte: 10, gte: 1 } } },
  ],
  budget: {
    calls: 30,
    reads: 100,
    writes: 10,
    external: 1,
    cost: { USD: 500 },
    perAction: { cost: { USD: 50 } },
    windows: [{ per: '1h', calls: 20, cost: { USD: 100 } }],
  },
  time: { ttl: '30m', notBefore: '2026-01-01T00:00:00Z' },
  delegation: { depth: 2, children: 4, classes: ['*'] },
  risk: { ceiling: 'high', approvalFrom: 'high' },
  purpose: { onDrift: { stepUpAt: 0.6, suspendAt: 0.85 }, delegatedSources: ['tickets'] },
  session: { jkt: JKT },
  posture: { agentClass: ['repo-agent'], modelVersion: ['2026-06'] },
};

export const WHOLE_AGENT = {
  class: 'repo-agent',
  instance: 'runner-7',
  posture: { model: 'm', modelVersion: '2026-06', environment: 'prod', imageDigest: DIGEST },
};

const action = (grantId: string): Json => ({
  grantId,
  action: { verb: 'repo.read', args: { path: 'x' }, tool: 'git', risk: 'low', effect: 'read' },
  resource: { type: 'repo', id: 'acme/clord', attributes: { sensitivity: 'public' } },
  cost: { USD: 1 },
  posture: { model: 'm' },
  labels: ['read:repo'],
});

export interface Sample {
  readonly path: string;
  readonly role: string;
  readonly body: Json;
}

/** Returns a valid request with all members for every route that takes a body. */
export function samples(run: Opened, actionId: string, approvalId: string): Sample[] {
  const { grantId, runId } = run;
  const reason = 'because';
  const selector = {
    agentClass: 'unused',
    agentInstance: 'i',
    modelVersion: 'v',
    principal: 'user:x',
    purpose: 'p',
    tool: 'git',
    treeId: run.treeId,
    issuedBefore: '2026-01-01T00:00:00Z',
    issuedAfter: '2025-01-01T00:00:00Z',
    environment: 'e',
    imageDigest: 'sha256:0',
    approver: 'user:y',
    resource: { type: 'file', match: 'a/**' },
    all: [{ verb: 'git.*' }],
    any: [{ not: { agentClass: 'used' } }],
    not: { agentClass: 'used' },
  };
  return [
    {
      path: '/v1/runs',
      role: 'orchestrator',
      body: { ...RUN, agent: WHOLE_AGENT, grant: WHOLE_GRANT, requireApproval: false },
    },
    {
      path: `/v1/grants/${grantId}/delegations`,
      role: 'orchestrator',
      body: { agent: WHOLE_AGENT, task: 'read', purpose: 'p', grant: { actions: { allow: ['repo.read'] } } },
    },
    { path: `/v1/runs/${runId}/completion`, role: 'orchestrator', body: {} },
    { path: `/v1/runs/${runId}/escalations`, role: 'orchestrator', body: { want: GRANT, reason } },
    { path: '/v1/actions', role: 'enforcer', body: action(grantId) },
    { path: '/v1/actions:batch', role: 'enforcer', body: { actions: [action(grantId)] } },
    {
      path: `/v1/actions/${actionId}/outcome`,
      role: 'enforcer',
      body: {
        status: 'completed',
        resultDigest: DIGEST,
        preview: 'x',
        effects: { resources: ['x'], filesChanged: ['y'], external: ['z'] },
        cost: { USD: 1 },
        labels: ['untrusted'],
      },
    },
    { path: `/v1/approvals/${approvalId}/decision`, role: 'approver', body: { verdict: 'deny', note: 'x' } },
    { path: `/v1/grants/${grantId}/revocation`, role: 'responder', body: { reason, subtree: true } },
    { path: `/v1/grants/${grantId}/renewal`, role: 'orchestrator', body: {} },
    { path: `/v1/grants/${grantId}/narrowing`, role: 'responder', body: { grant: { budget: { calls: 150 } }, reason } },
    { path: `/v1/grants/${grantId}/suspension`, role: 'responder', body: { reason } },
    { path: `/v1/grants/${grantId}/resumption`, role: 'responder', body: { reason } },
    { path: '/v1/revocations/preview', role: 'responder', body: { selector, quarantine: false } },
    {
      path: '/v1/revocations',
      role: 'responder',
      body: { selector, reason, digest: 'x', force: false, quarantine: false, incident: 'INC-1' },
    },
    {
      path: '/v1/revocations',
      role: 'responder',
      body: { selector, reason, force: true, mode: 'suspend', until: '2099-01-01T00:00:00.000Z' },
    },
    { path: '/v1/revocations/rev_0_00000000000000000000000000/resumption', role: 'responder', body: { reason } },
    {
      path: '/v1/revocations/rev_0_00000000000000000000000000/regrants',
      role: 'orchestrator',
      body: { accept: [grantId], expiresAt: '2099-01-01T00:00:00.000Z' },
    },
    { path: '/v1/policies', role: 'admin', body: { bundle: { 'a.yaml': 'catalogue: []' }, replaces: 0 } },
    { path: '/v1/policies/check', role: 'analyst', body: { bundle: { 'a.yaml': 'catalogue: []' } } },
    {
      path: '/v1/policies/diff',
      role: 'admin',
      body: { bundle: { 'a.yaml': 'catalogue: []' }, against: 0, last: 10, log: 'default/0' },
    },
    {
      path: '/v1/policies/responders',
      role: 'analyst',
      body: { bundle: { 'a.yaml': 'responders: []' }, since: '2026-01-01T00:00:00.000Z', log: 'default/0' },
    },
    { path: '/v1/tenants', role: 'admin', body: { id: 'never' } },
    {
      path: '/v1/keys',
      role: 'admin',
      body: {
        name: 'never',
        role: 'analyst',
        person: 'user:never@example.com',
        groups: ['finance'],
        expiresAt: '2030-01-01T00:00:00Z',
      },
    },
    { path: `/v1/keys/key_${'0'.repeat(26)}/rotation`, role: 'admin', body: { overlap: '1h' } },
    { path: '/v1/session', role: 'analyst', body: { code: 'unknown' } },
    { path: '/v1/session-links', role: 'analyst', body: { keys: ['bwk_unknown_key'] } },
    { path: '/v1/sessions/revocation', role: 'admin', body: { person: 'user:never@example.com' } },
    { path: '/v1/mcp/servers/files/approval', role: 'admin', body: { digest: DIGEST } },
    {
      path: '/v1/webhooks/siem/rotation',
      role: 'admin',
      body: { overlap: '1h', secret: `whsec_${'A'.repeat(32)}` },
    },
    { path: '/v1/webhooks/siem/test', role: 'admin', body: {} },
    { path: '/v1/webhooks/siem/redelivery', role: 'admin', body: { id: 'default/0:1' } },
    {
      path: '/v1/ssf/streams',
      role: 'analyst',
      body: {
        delivery: { method: 'urn:ietf:rfc:8936' },
        events_requested: ['https://schemas.openid.net/secevent/caep/event-type/session-revoked'],
        description: 'a test',
      },
    },
    { path: '/v1/ssf/status', role: 'analyst', body: { stream_id: STREAM, status: 'paused', reason: 'a test' } },
    { path: '/v1/ssf/verification', role: 'analyst', body: { stream_id: STREAM, state: 'a test' } },
    {
      path: `/v1/ssf/streams/${STREAM}/poll`,
      role: 'analyst',
      body: { ack: ['one'], setErrs: {}, maxEvents: 1, returnImmediately: true },
    },
  ];
}

/** The keys that lead to a value in a body. */
type Path = readonly (string | number)[];
export interface Changed {
  readonly what: string;
  readonly body: unknown;
}

function places(value: unknown, at: Path = []): [Path, unknown][] {
  if (typeof value !== 'object' || value === null) return [[at, value]];
  const entries = Array.isArray(value) ? value.map((each, i) => [i, each] as const) : Object.entries(value as Json);
  return [[at, value], ...entries.flatMap(([key, each]) => places(each, [...at, key]))];
}

function put(body: unknown, at: Path, value: unknown): unknown {
  const [key, ...rest] = at;
  if (key === undefined) return value;
  const copy = structuredClone(body) as Json;
  copy[key] = put(copy[key], rest, value);
  return copy;
}

/** Checks whether a place in a body takes arbitrary values of the caller, such as arguments. */
const isFree = (at: Path): boolean => at.includes('args') || at.includes('bundle') || at.at(-1) === 'attributes';

/** Returns copies of the body, each with an unknown member in one of its objects. */
export function withUnknownMembers(body: Json): Changed[] {
  return places(body)
    .filter(([at, value]) => typeof value === 'object' && value !== null && !Array.isArray(value) && !isFree(at))
    .flatMap(([at, value]) =>
      ['surely', '__proto__'].map((name) => {
        const more = Object.defineProperty({ ...(value as Json) }, name, { value: 'x', enumerable: true });
        return { what: [...at, name].join('.'), body: put(body, at, more) };
      }),
    );
}

/** Returns copies of the body, each with a value of another type in one place. */
export function withWrongTypes(body: Json): Changed[] {
  const wrong = (at: Path, value: unknown): unknown[] => {
    if (at.includes('args') && at.at(-1) !== 'args') return [];
    const isAttribute = at.includes('attributes'); // accepts any scalar, and lists of them
    const scalar = isAttribute || at.includes('where'); // accepts any scalar
    if (typeof value === 'string') return scalar ? [null, {}, isAttribute ? [null] : []] : [null, 1, {}, [value]];
    if (typeof value === 'number') return scalar ? [null, {}] : [null, '1', {}, true];
    if (typeof value === 'boolean') return [null, 'true', 1];
    return Array.isArray(value) ? [null, {}, 'x', [null]] : [null, [], 'x', 1];
  };
  return places(body).flatMap(([at, value]) =>
    wrong(at, value).map((each) => ({ what: `${at.join('.')} = ${JSON.stringify(each)}`, body: put(body, at, each) })),
  );
}
