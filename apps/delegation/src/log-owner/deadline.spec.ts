import type { Command } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import type { LogOwner } from './owner';
import { authorize, command, decision, grantIdOf, openRun, refusal, settled, World } from '../testing/world';

/** A command of a client that was refused must not be carried out later (issue 13.13). */
describe('LogOwner', () => {
  let world: World;
  let owner: LogOwner;
  beforeEach(async () => {
    ({ world, owner } = await World.start());
  });
  afterEach(() => world.end());

  const at = (ms: number): Partial<Command> => ({ deadline: world.now + ms });
  const types = async (): Promise<string[]> => (await world.events()).map(({ type }) => type);
  const granted = async (): Promise<string> => grantIdOf(await owner.submit(openRun()));

  it.each<[string, number, string | undefined]>([
    ['in time', 1, undefined],
    ['at its deadline', 0, undefined],
    ['a millisecond late', -1, 'NOT_READY'],
    ['an hour late', -3_600_000, 'NOT_READY'],
    ['from a clock that is ahead by the permitted maximum', LIMITS.commandTimeoutMs, undefined],
    ['from a clock that is an hour ahead', 3_600_000, 'NOT_READY'],
  ])('decides a command that arrives %s', async (_when, ms, refused) => {
    expect(refusal(await owner.submit(openRun(undefined, at(ms))))).toBe(refused);
    expect(await types()).toEqual(refused ? [] : ['RunOpened', 'GrantIssued']);
  });

  it.each<[string, (grantId: string) => Command]>([
    ['an action', (grantId) => authorize(grantId)],
    ['a root run', () => openRun()],
    [
      'a delegation',
      (grantId) =>
        command('delegate', { grantId, agent: { class: 'helper' }, purposeRef: `ref_${'0'.repeat(26)}`, grant: {} }),
    ],
    ['an erasure', () => command('erase', { subjectRef: `ref_${'0'.repeat(26)}` })],
    ['a resumption', (grantId) => command('resume', { grantId, reasonCode: 'x' })],
  ])('refuses %s after its deadline', async (_what, make) => {
    const grantId = await granted();
    expect(refusal(await owner.submit({ ...make(grantId), ...at(-1) }))).toBe('NOT_READY');
    expect(await types()).toHaveLength(2);
  });

  it('carries out a revocation after its deadline', async () => {
    const grantId = await granted();
    const late = { ...command('revokeGrant', { grantId }), ...at(-60_000) };
    expect(refusal(await owner.submit(late))).toBeUndefined();
    expect(await types()).toContain('GrantRevoked');
  });

  it('applies the receiver’s deadline to a command without one', async () => {
    expect(refusal(await owner.submit(openRun(), world.now - 1))).toBe('NOT_READY');
    expect(refusal(await owner.submit(openRun(), world.now + 1))).toBeUndefined();
  });

  it('returns the original response to a retry after the deadline of the first attempt', async () => {
    const grantId = await granted();
    const first = authorize(grantId, { commandId: 'idk_00000001', ...at(5) } as object);
    const answer = await owner.submit(first);
    world.now += 60_000;
    expect(await owner.submit({ ...first, ...at(5) })).toEqual(answer);
    expect(await types()).toEqual(['RunOpened', 'GrantIssued', 'ActionPermitted']);
  });

  it('compares deadlines with the store’s clock, not with its own', async () => {
    const store = { now: world.now };
    const other = world.owner({ storeClock: { now: () => store.now } });
    world.now += 60_000;
    const command = openRun(undefined, { deadline: store.now + 1 });
    store.now += 2;
    expect(refusal(await other.submit(command))).toBe('NOT_READY');
  });

  it('decides the other commands again if one command of a batch reached the store too late', async () => {
    const grantId = await granted();
    const held = world.eventlog.hold();
    const inTime = owner.submit({ ...authorize(grantId), ...at(5_000) });
    const never = owner.submit({ ...authorize(grantId), ...at(10) });
    await held.arrived;
    world.now += 20;
    held.release();
    expect(refusal(await never)).toBe('NOT_READY');
    expect(decision(await inTime)).toBe('permit');
    expect((await types()).filter((type) => type === 'ActionPermitted')).toHaveLength(1);
  });

  it.each([
    [true, undefined],
    [false, 'NOT_READY'],
  ])('resolves an append of unknown outcome by reading the log (written: %s)', async (written, refused) => {
    const grantId = await granted();
    world.eventlog.loseNext(written);
    const answer = await owner.submit({ ...authorize(grantId), ...at(5_000) });
    expect(refusal(answer)).toBe(refused);
    await settled();
    expect((await types()).filter((type) => type === 'ActionPermitted')).toHaveLength(written ? 1 : 0);
  });
});
