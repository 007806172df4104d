import { LIMITS } from '@bailiwick/core/limits';
import { authorize, command, grantIdOf, openRun, refusal, ROOMY, World } from '../testing/world';
import type { LogOwner } from './owner';

const { burst } = LIMITS.refusals.run;

describe('LogOwner with many refusals', () => {
  let world: World;
  let owner: LogOwner;
  let grantId: string;
  beforeEach(async () => {
    ({ world, owner } = await World.start());
    grantId = grantIdOf(await owner.submit(openRun({ ...ROOMY, actions: { allow: ['*'], deny: ['email.*'] } })));
  });
  afterEach(() => world.end());

  const flood = (times: number) =>
    world.together(
      owner,
      Array.from({ length: times }, () => authorize(grantId, { action: { verb: 'email.read' } })),
    );
  const summaries = async () => (await world.events()).filter(({ type }) => type === 'RefusalsSummarized');

  it('answers refusals beyond the budget with TOO_MANY, and writes one summary after an interval', async () => {
    const answers = await flood(500);
    expect(answers.filter((each) => refusal(each) === 'TOO_MANY')).toHaveLength(500 - burst);
    expect(JSON.stringify(answers.at(-1))).not.toContain('unwritten');
    expect(await summaries()).toEqual([]);
    world.now += LIMITS.refusalSummaryMs;
    await owner.submit(authorize(grantId));
    expect(await summaries()).toMatchObject([
      {
        actor: { kind: 'system', id: 'delegation' },
        data: { total: 500 - burst, refused: [{ command: 'authorize', verb: 'email.read', code: 'DENIED' }] },
      },
    ]);
    world.now += LIMITS.refusalSummaryMs;
    await owner.submit(authorize(grantId));
    expect(await summaries()).toHaveLength(1);
  });

  it('writes pending counts before it stops', async () => {
    await flood(100);
    await owner.stop();
    expect(await summaries()).toMatchObject([{ data: { total: 100 - burst } }]);
  });

  it('keeps counts that could not be written', async () => {
    await flood(100);
    world.now += LIMITS.refusalSummaryMs;
    world.eventlog.throwNext();
    await owner.submit(authorize(grantId));
    await owner.submit(authorize(grantId));
    await owner.stop();
    expect(await summaries()).toMatchObject([{ data: { total: 100 - burst } }]);
  });

  it.each(['tick', 'summarizeRefusals'] as const)('accepts no %s from clients', async (type) => {
    const more = type === 'tick' ? {} : { since: '2026-01-01T00:00:00.000Z', refused: [] };
    expect(refusal(await owner.submit(command(type, more as never)))).toBe('FORBIDDEN');
  });

  it('returns the original response to a retry of a written denial', async () => {
    const one = authorize(grantId, { action: { verb: 'email.read' } });
    const first = await owner.submit(one);
    await flood(500);
    expect(await owner.submit(one)).toEqual(first);
  });
});
