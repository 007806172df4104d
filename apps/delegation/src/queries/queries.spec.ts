import { forgetTree } from '@bailiwick/authority/testing/forget';
import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import type { LogOwner } from '../log-owner/owner';
import type { Payloads } from '@bailiwick/event-store/payloads';
import { ask } from './queries';
import { command, grantIdOf, openRun, refusal, RULES, settled, value, World, LOG } from '../testing/world';

const PERSON = { actor: { kind: 'person', id: 'key:approver', role: 'approver' } } as unknown as Partial<Command>;

describe('ask', () => {
  let world: World;
  let owner: LogOwner;
  beforeEach(async () => ({ world, owner } = await World.start()));
  afterEach(() => world.end());

  interface Card {
    status: string;
    decidedBy?: string;
    may: string[];
  }
  const askFor = async (id: string): Promise<Card> =>
    value<Card>(await ask(owner, world.eventlog, RULES, { op: 'approval', log: LOG, id }, {} as Payloads));

  it('returns an approval as committed at the time of the query, despite later decisions', async () => {
    const grantId = grantIdOf(await owner.submit(openRun({ budget: { calls: 1 } })));
    const runId = await owner.read((state) => state.grants.get(grantId)?.runId as string);
    const asked = await owner.submit(command('escalate', { runId, want: { budget: { calls: 2 } } }));
    const { approval } = value<{ approval: { id: string } }>(asked);
    const before = await askFor(approval.id);

    let go = (): void => undefined;
    const gone = new Promise<void>((resolve) => (go = resolve));
    const texts = jest.spyOn(world.eventlog, 'at').mockImplementationOnce(async (...of) => {
      await gone;
      return world.eventlog.at(...of);
    });
    const card = askFor(approval.id);
    await settled();
    expect(texts).toHaveBeenCalled();
    const held = world.eventlog.hold();
    const given = owner.submit(command('decideApproval', { approvalId: approval.id, verdict: 'approve' }, PERSON));
    await held.arrived;
    go();
    expect(await card).toEqual(before);
    held.release();
    expect(refusal(await given)).toBeUndefined();
    expect((await askFor(approval.id)).status).toBe('used');
  });

  it('returns a whole tree even if the state drops it before the texts are read', async () => {
    const opened = await owner.submit(openRun({ budget: { calls: 1 } }));
    const { run, grant } = value<{ run: { id: string; treeId: string }; grant: { id: string } }>(opened);
    const asked = await owner.submit(command('escalate', { runId: run.id, want: { budget: { calls: 2 } } }));
    const { approval } = value<{ approval: { id: string } }>(asked);
    await owner.submit(command('decideApproval', { approvalId: approval.id, verdict: 'deny' }, PERSON));
    await owner.submit(command('completeRun', { runId: run.id }));
    const queries = [
      { op: 'run', id: run.id },
      { op: 'grant', id: grant.id },
      { op: 'tree', id: run.treeId },
      { op: 'approval', id: approval.id },
    ];
    const send = (query: object): Promise<Answer> =>
      ask(owner, world.eventlog, RULES, { ...query, log: LOG }, {} as Payloads);
    const before = await Promise.all(queries.map(send));
    const during = queries.map(send);
    await owner.read((state) => forgetTree(state, run.treeId));
    expect(await Promise.all(during)).toEqual(before);
    expect(before.map(refusal)).toEqual(queries.map(() => undefined));
    expect((await Promise.all(queries.map(send))).map(refusal)).toEqual(queries.map(() => 'NOT_FOUND'));
  });
});
