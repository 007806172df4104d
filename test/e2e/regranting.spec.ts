import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import type { RegrantProposal } from '@bailiwick/contracts/revocations/regrants';
import { bailiwick } from '../support/cli';
import { http, Stack } from '../support/stack';
import { open, read } from './leases';

/** What was left of the leases of an incident is proposed in one list, and granted again by people. */
describe('bailiwick regrant', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.tenant();
  }, 120_000);
  afterAll(() => stack.stop());

  const regrant = async (...args: string[]) => {
    const { code, out } = await bailiwick(['--data', stack.dataDir, 'regrant', '--json', ...args]);
    return { code, printed: JSON.parse(out) as unknown };
  };

  it('proposes no more than was left, asks people for it once, and the log names the ended lease', async () => {
    const budget = { calls: 9, reads: 9, writes: 1, external: 1, cost: { USD: 500 } };
    const { grant } = await open(stack.as('orchestrator'), { budget }, 'crawler');
    expect((await stack.as('enforcer').act(read(grant.id))).decision).toBe('permit');
    const responder = stack.as('responder');
    const selector = { agentClass: 'crawler' };
    const revocation = { selector, reason: 'x', force: true, incident: 'INC-77' };
    const { revocationId } = await responder.revokeAll({ ...revocation, quarantine: true });

    const stopped = (await regrant('INC-77')).printed as { items: RegrantProposal[] }[];
    expect(stopped[0]?.items).toMatchObject([
      { grantId: grant.id, whyNot: expect.stringContaining('quarantines') as string },
    ]);
    await http(stack, 'DELETE', `/v1/quarantines/${revocationId}`, { key: stack.keys.responder as string });
    const [listed] = (await regrant('INC-77')).printed as { items: RegrantProposal[] }[];
    expect(listed?.items).toMatchObject([
      {
        agent: { class: 'crawler' },
        requestedBy: 'user:owner@example.com',
        held: { budget },
        used: { calls: 1, reads: 1 },
        proposed: {
          budget: { calls: 8, reads: 8, cost: { USD: 500 } },
          time: { expiresAt: grant.limits.time.expiresAt },
        },
      },
    ]);

    const asked = (await regrant('INC-77', '--accept', grant.id)).printed as {
      run: { id: string };
      approval: ApprovalView;
    }[];
    const [{ run, approval } = { run: { id: '' }, approval: undefined }] = asked;
    expect(asked).toMatchObject([{ grantId: grant.id, approval: { status: 'pending', kind: 'grant' } }]);
    expect(approval?.asks).toContain(`what was left of ${grant.id}, which ${revocationId} revoked`);
    const given = await stack.as('approver').decide(approval?.id ?? '', 'approve', 'ok');
    expect(given.grant?.limits.budget).toMatchObject({ calls: 8, reads: 8 });
    const events = await stack.as('analyst').events({ runId: run.id, type: 'RunOpened', after: -1, limit: 9 });
    expect(events.items.map(({ data }) => data)).toMatchObject([{ regrants: { grantId: grant.id, revocationId } }]);
    expect(await regrant(revocationId, '--accept', grant.id)).toMatchObject({
      code: 1,
      printed: [{ grantId: grant.id, error: { code: 'CONFLICT' } }],
    });
  });
});
