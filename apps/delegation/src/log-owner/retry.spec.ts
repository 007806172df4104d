import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { authorize, command, openRun, ROOMY, value, World } from '../testing/world';
import type { LogOwner } from './owner';

const PERSON = { actor: { kind: 'person', id: 'key:approver', role: 'approver' } } as unknown as Partial<Command>;

interface Response {
  run: { id: string };
  grant: { id: string };
  approval: { id: string };
  actionId: string;
}

/** I4: a client that missed a response repeats the command with the same key and gets the original response. */
describe('A repeated command', () => {
  let world: World;
  let owner: LogOwner;
  const first: { command: Command; answer: Answer }[] = [];

  const send = async (unkeyed: Command): Promise<Response> => {
    const what = { ...unkeyed, commandId: `idk_${String(first.length).padStart(8, '0')}` };
    const answer = await owner.submit(what);
    first.push({ command: what, answer: structuredClone(answer) });
    return value<Response>(answer);
  };

  beforeAll(async () => {
    ({ world, owner } = await World.start());
    const { run, grant } = await send(openRun());
    const child = await send(
      command('delegate', {
        grantId: grant.id,
        agent: { class: 'child' },
        purposeRef: 'ref_00000000000000000000000000',
        grant: {},
      }),
    );
    await send(authorize(child.grant.id));
    await send(command('suspend', { grantId: child.grant.id, reasonCode: 'BY_PERSON' }, PERSON));
    await send(command('resume', { grantId: child.grant.id, reasonCode: 'BY_PERSON' }, PERSON));
    const asked = await send(openRun({ ...ROOMY, budget: { calls: 3 } }, { requireApproval: true }));
    const granted = await send(
      command('decideApproval', { approvalId: asked.approval.id, verdict: 'approve' }, PERSON),
    );
    const used = await send(authorize(granted.grant.id));
    await send(command('settle', { actionId: used.actionId, outcome: { status: 'completed' } }));
    const more = await send(command('escalate', { runId: asked.run.id, want: { budget: { calls: 9 } } }));
    const raised = await send(command('decideApproval', { approvalId: more.approval.id, verdict: 'approve' }, PERSON));
    await send(authorize(raised.grant.id));
    const refused = await send(openRun(ROOMY, { requireApproval: true }));
    await send(command('decideApproval', { approvalId: refused.approval.id, verdict: 'deny' }, PERSON));
    await send(command('completeRun', { runId: asked.run.id }));
    await send(command('recordDrift', { runId: run.id, score: 0.1, features: [], monitor: 'test' }));
    await send(command('revokeGrant', { grantId: child.grant.id }, PERSON));
    await send(command('completeRun', { runId: run.id }));
  });
  afterAll(() => world.end());

  it.each(['the owner that answered', 'another owner that only has the log', 'an owner that has dropped its tree'])(
    'gets the original response from %s',
    async (whose) => {
      const target = whose.startsWith('the owner') ? owner : world.owner();
      if (whose.endsWith('dropped its tree')) {
        const before = new Set(await target.read((state) => [...state.trees.keys()]));
        for (const later of [2 * LIMITS.grantDefaultTtlMs, LIMITS.endedKeptMs + 1_000]) {
          world.now += later; // all leases expire, then the trees are dropped
          await target.submit(openRun());
        }
        const after = await target.read((state) => [...state.trees.keys()]);
        expect([before.size, after.some((id) => before.has(id))]).toEqual([3, false]);
      }
      const events = (await world.events()).length;
      for (const { command: again, answer } of first)
        expect([again.type, await target.submit(again)]).toEqual([again.type, answer]);
      expect(await world.events()).toHaveLength(events);
    },
  );
});
