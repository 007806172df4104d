import type { BailiwickClient, Granted } from '@bailiwick/client/client';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';

/** A root lease that requires no approval, wide enough for the actions of the tests. */
export const WIDE: GrantRequest = {
  actions: { allow: ['file.*', 'repo.*', 'email.send', 'web.get', 'payment.make'], deny: ['production.*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { calls: 1_000, reads: 1_000, writes: 1_000, external: 1_000, cost: { USD: 100_000 } },
  time: { ttl: '30m' },
  delegation: { depth: 4, children: 20, classes: ['*'] },
  risk: { ceiling: 'high', approvalFrom: 'high' },
};

export async function open(
  client: BailiwickClient,
  grant: Partial<GrantRequest> = {},
  agentClass = 'tester',
): Promise<Granted> {
  const answer = await client.openRun({
    agent: { class: agentClass, posture: { model: 'm', modelVersion: '2026-06', environment: 'test' } },
    requestedBy: 'user:owner@example.com',
    purpose: 'Update the left-pad dependency of acme/clord',
    grant: { ...WIDE, ...grant },
  });
  if (!('grant' in answer)) throw new Error('this lease should not have required approval');
  return answer;
}

export const read = (grantId: string, id = 'README.md') => ({
  grantId,
  action: { verb: 'file.read', args: { path: id } },
  resource: { type: 'file', id },
});
export const write = (grantId: string, id = 'docs/x.md') => ({
  grantId,
  action: { verb: 'file.write', args: { path: id } },
  resource: { type: 'file', id },
});
