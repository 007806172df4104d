import { http, type Stack } from '../support/stack';

/** A text that runs if it is interpreted as markup, with characters that reorder what is shown. */
export const HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>';
const REORDERS = `report\u202Egnp.exe ${HOSTILE}`;

/** A value that flows from the result of a call into the arguments of another. */
const BRANCH = 'release-2026-11-30';

interface Answer {
  readonly run: { readonly id: string };
  readonly grant: { readonly id: string };
  readonly actionId: string;
}
export interface SeededRun {
  readonly runId: string;
  readonly grantId: string;
}

/** Opens a run whose agent wrote hostile texts wherever it may, with one permitted, one denied and one asked call. */
export async function seedRun(stack: Stack, agentClass: string, requestedBy: string): Promise<SeededRun> {
  const send = async (role: string, path: string, body: unknown): Promise<Answer> => {
    const { status, body: answer } = await http(stack, 'POST', path, { key: stack.keys[role] as string, body });
    if (status >= 300) throw new Error(`${path} answered ${status}: ${JSON.stringify(answer)}`);
    return answer as unknown as Answer;
  };
  const opened = await send('orchestrator', '/v1/runs', {
    agent: { class: agentClass, instance: 'runner-7', posture: { modelVersion: '2026-06' } },
    requestedBy,
    purpose: `Update a dependency ${HOSTILE}`,
    grant: {
      actions: { allow: ['repo.read', 'repo.commit'], deny: ['production.*'], mode: 'execute' },
      resources: [{ type: 'repo', match: '**' }],
      budget: { calls: 40, reads: 30, writes: 10, cost: { USD: 5000 } },
      time: { ttl: '50m' },
      delegation: { depth: 2, children: 6, classes: ['*'] },
      risk: { ceiling: 'high', approvalFrom: 'medium' },
    },
  });
  const grantId = opened.grant.id;
  const call = (verb: string, args: unknown, more: object = {}): Promise<Answer> =>
    send('enforcer', '/v1/actions', {
      grantId,
      action: { verb, args, ...more },
      resource: { type: 'repo', id: 'acme/clord' },
    });
  const permitted = await call('repo.read', { path: 'README.md' }, { effect: 'read' });
  await send('enforcer', `/v1/actions/${permitted.actionId}/outcome`, {
    status: 'completed',
    preview: JSON.stringify({ branch: BRANCH }),
    values: true,
    effects: { resources: ['acme/clord'], filesChanged: [], external: [] },
  });
  await call('production.deploy', {});
  await call('repo.commit', { message: REORDERS, branch: BRANCH }, { values: true, risk: 'high', effect: 'write' });
  await send('orchestrator', `/v1/grants/${grantId}/delegations`, {
    agent: { class: 'reader' },
    task: `read the sources ${HOSTILE}`,
    grant: { actions: { allow: ['repo.read'] }, budget: { calls: 5 } },
  });
  return { runId: opened.run.id, grantId };
}

/** Makes a one-time link of a person, or of the installation with all roles of people. */
export async function signInLink(stack: Stack, key = stack.keys.admin as string): Promise<string> {
  const isOwn = key !== stack.keys.admin;
  const keys = isOwn ? [] : ['approver', 'responder', 'analyst'].map((role) => stack.keys[role]);
  const { body } = await http(stack, 'POST', '/v1/session-links', { key, body: { keys } });
  return (body.url as string).replace(/^https?:\/\/[^/]+/, stack.url);
}
