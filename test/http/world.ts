import { http, until, type HttpAnswer, type Stack } from '../support/stack';

type Json = Record<string, unknown>;

export interface LogEvent {
  readonly log: string;
  readonly position: number;
  readonly type: string;
  readonly actor: { kind: string; id: string; role?: string };
  readonly grantId?: string;
  readonly data: Json;
}

/** A root grant that may read and write the repositories of acme, and delegate. */
export const GRANT = {
  actions: { allow: ['repo.read', 'repo.commit'], deny: ['secret.read'], mode: 'execute' },
  resources: [{ type: 'repo', match: 'acme/**' }],
  budget: { calls: 200, reads: 100, writes: 100, cost: { USD: 500 } },
  time: { ttl: '1h', renewUntil: '2h' },
  delegation: { depth: 2, children: 10, classes: ['*'] },
  risk: { ceiling: 'high', approvalFrom: 'high' },
};

export const RUN = {
  agent: { class: 'repo-agent' },
  requestedBy: 'user:owner@example.com',
  purpose: 'Update a dependency',
  grant: GRANT,
};

export interface Opened {
  readonly runId: string;
  readonly treeId: string;
  readonly grantId: string;
  readonly token: string;
  readonly position: number;
}

export async function openRun(stack: Stack, grant: Json = GRANT, key = stack.keys.orchestrator): Promise<Opened> {
  const { status, body } = await http(stack, 'POST', '/v1/runs', { key, body: { ...RUN, grant } });
  if (status !== 201) throw new Error(`no run: ${status} ${JSON.stringify(body)}`);
  const run = body.run as { id: string; treeId: string };
  const { id } = body.grant as { id: string };
  return { runId: run.id, treeId: run.treeId, grantId: id, token: String(body.token), position: Number(body.position) };
}

/** Moves the end of a lease to 10 minutes from now, so that a renewal extends it. */
export async function shorten(stack: Stack, grantId: string): Promise<void> {
  const time = { expiresAt: new Date(Date.now() + 600_000).toISOString(), renewUntil: '90m' };
  const body = { grant: { time }, reason: 'a test' };
  await http(stack, 'POST', `/v1/grants/${grantId}/narrowing`, { key: stack.keys.responder, body });
}

/** Returns a call that the grant above permits. */
export const call = (grantId: string, more: Json = {}): Json => ({
  grantId,
  action: { verb: 'repo.read' },
  resource: { type: 'repo', id: 'acme/clord' },
  ...more,
});

/** Returns an id of the same kind that does not exist. */
export const unknown = (id: string): string => `${id.slice(0, -6)}000000`;

/** Returns the position of the last committed event. */
export async function head(stack: Stack, key = stack.keys.analyst): Promise<number> {
  const { body } = await http(stack, 'GET', '/v1/events?after=999999999', { key });
  return Object.values(body.asOf as Record<string, number>)[0] ?? -1;
}

/** drift scores of the monitor, and counts of earlier refusals beyond a budget */
const LATER = ['DriftScored', 'RefusalsSummarized'];

/** Returns the events after a position, without those that are written at any later time. */
export async function writtenAfter(stack: Stack, after: number, key = stack.keys.analyst): Promise<LogEvent[]> {
  const { body } = await http(stack, 'GET', `/v1/events?after=${after}&limit=1000`, { key });
  return (body.items as LogEvent[]).filter((event) => !LATER.includes(event.type));
}

const REFUSED = ['Refused', 'DelegationRefused'];

/** Returns the events after a position, without records of refusals. */
export async function changesAfter(stack: Stack, after: number, key?: string): Promise<LogEvent[]> {
  return (await writtenAfter(stack, after, key)).filter((event) => !REFUSED.includes(event.type));
}

/** Waits for `count` events after a position; refusals are recorded asynchronously. */
export async function writtenOnce(stack: Stack, after: number, count: number): Promise<LogEvent[]> {
  let written: LogEvent[] = [];
  await until(`${count} events after ${after}`, async () => {
    written = await writtenAfter(stack, after);
    return written.length >= count;
  });
  return written;
}

/** Checks that a refusal has the form of the contract, and returns its code. */
export function problemIn({ status, headers, body }: HttpAnswer): string {
  expect(headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
  expect(body).toMatchObject({
    type: `https://bailiwick.dev/problems/${String(body.code)}`,
    title: expect.any(String),
    status,
    code: expect.any(String),
    detail: expect.any(String),
    reasons: expect.any(Array),
  });
  return String(body.code);
}

/** Creates another tenant and returns its keys. */
export async function makeTenant(stack: Stack, id: string): Promise<Record<string, string>> {
  const { status, body } = await http(stack, 'POST', '/v1/tenants', { key: stack.installationKey, body: { id } });
  if (status !== 201) throw new Error(`no tenant: ${status} ${JSON.stringify(body)}`);
  const keys = body.keys as Record<string, string>;
  // its log gets an owner within a heartbeat
  await until('the log of the tenant to be served', async () => {
    const path = '/v1/approvals?status=pending';
    return (await http(stack, 'GET', path, { key: keys.approver })).status === 200;
  });
  return keys;
}
