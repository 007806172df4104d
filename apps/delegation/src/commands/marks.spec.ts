import type { EventLog } from '@bailiwick/event-store/port';
import { command, eventsOf, grantIdOf, openRun, ROOMY, World } from '../testing/world';
import { statesValues, withMarks, type Following } from './marks';
import { TreeKeys } from './tree-keys';

const DIGESTS = ['a', 'b'].map((each) => `sha256:${each.repeat(64)}`);
const payload = (salt: string) => ({ salt: salt.repeat(22), value: { purpose: 'tidy' } });

const worlds: World[] = [];
afterEach(() => Promise.all(worlds.splice(0).map((world) => world.end())));

/** A log with two trees of which the salts differ, and what is read of it. */
async function trees() {
  const { world, owner } = await World.start();
  worlds.push(world);
  const answers = await world.together(owner, [
    openRun(ROOMY, { payload: payload('s') }),
    openRun(ROOMY, { payload: payload('t') }),
  ]);
  const erased = new Set<number>();
  const reads: number[] = [];
  const at: EventLog['at'] = async (log, positions) => {
    reads.push(...positions);
    const stored = await world.eventlog.at(log, positions);
    return stored.map((each) => (erased.has(each.position) ? { ...each, payload: null } : each));
  };
  const clock = { now: () => world.now };
  return { world, owner, grants: answers.map(grantIdOf), erased, reads, keys: new TreeKeys({ at }, clock) };
}
const LOADED = { treeOf: () => ({ log: 'default/0', position: 0 }), loaded: () => Promise.resolve() };
const stating = (grantId: string, values: unknown = DIGESTS) => ({ type: 'authorize', grantId, values });
const marksIn = (made: unknown): unknown => (made as { marks?: unknown }).marks;

describe('the marks of a command', () => {
  it('replace its digests, are equal for equal values of one tree alone, and reveal no digest', async () => {
    const { owner, grants, keys } = await trees();
    const [first, again, other] = await Promise.all(
      [stating(grants[0] as string), stating(grants[0] as string, [DIGESTS[1]]), stating(grants[1] as string)].map(
        (each) => withMarks(keys, each, owner),
      ),
    );
    expect(first).toEqual({ type: 'authorize', grantId: grants[0], marks: expect.any(Array) as unknown });
    expect(marksIn(first)).toHaveLength(2);
    expect(marksIn(first)).toEqual(expect.arrayContaining(marksIn(again) as string[]));
    expect(marksIn(first)).toEqual([...(marksIn(first) as string[])].sort());
    for (const mark of marksIn(other) as string[]) {
      expect(mark).toMatch(/^[\w-]{8}$/);
      expect(marksIn(first)).not.toContain(mark);
    }
  });

  it('are those of the tree of an action that is settled', async () => {
    const { world, owner, grants, keys } = await trees();
    const call = command('authorize', {
      grantId: grants[0] as string,
      action: { verb: 'file.read' },
      resource: { type: 'file', id: 'a/b' },
      proof: { vouched: true },
    });
    await world.together(owner, [call]);
    const permitted = (await eventsOf(world.eventlog)).find(({ type }) => type === 'ActionPermitted');
    const settled = await withMarks(keys, { type: 'settle', actionId: permitted?.actionId, values: DIGESTS }, owner);
    expect(marksIn(settled)).toEqual(marksIn(await withMarks(keys, stating(grants[0] as string), owner)));
  });

  it('are unavailable once the key of the tree is erased, and for a lease or a log that is not known', async () => {
    const { world, owner, grants, erased, reads, keys } = await trees();
    const grantId = grants[0] as string;
    expect(marksIn(await withMarks(keys, stating(grantId), owner))).toHaveLength(2);
    for (const { position } of await eventsOf(world.eventlog)) erased.add(position);
    expect(marksIn(await withMarks(keys, stating(grantId), owner))).toHaveLength(2);
    expect(reads).toHaveLength(1);
    keys.clear();
    expect(marksIn(await withMarks(keys, stating(grantId), owner))).toBe('unavailable');
    world.now += 60_000;
    expect(marksIn(await withMarks(keys, stating(grantId), owner))).toBe('unavailable');
    expect(reads).toHaveLength(3);
    expect(marksIn(await withMarks(keys, stating('grt_0_unknown'), owner))).toBe('unavailable');
  });

  it('are made once the log is loaded, and no command is prepared while it cannot be', async () => {
    const { world, owner, grants, keys } = await trees();
    const asked = stating(grants[0] as string);
    expect(await withMarks(keys, asked, world.owner())).toEqual(await withMarks(keys, asked, owner));
    await owner.stop();
    const unloaded: Following = {
      followsValues: undefined,
      treeOf: () => undefined,
      loaded: () => owner.read(String).then(),
    };
    await expect(withMarks(keys, asked, unloaded)).rejects.toThrow('accepts no reads');
  });

  it('are unavailable if the store cannot be read, which the next command tries again', async () => {
    let reads = 0;
    const keys = new TreeKeys({ at: () => Promise.reject(new Error(`read ${++reads}`)) });
    const owner: Following = { followsValues: true, ...LOADED };
    for (let i = 0; i < 2; i++) expect(marksIn(await withMarks(keys, stating('x'), owner))).toBe('unavailable');
    expect(reads).toBe(2);
  });

  it('are left out unless a rule follows values, and nothing is read for them', async () => {
    const { grants, keys, reads } = await trees();
    const idle: Following = { followsValues: false, ...LOADED };
    const made = await withMarks(keys, { ...stating(grants[0] as string), marks: ['forged00'] }, idle);
    expect(made).toEqual({ type: 'authorize', grantId: grants[0] });
    const forged = { type: 'authorize', grantId: grants[0], marks: ['forged00'] };
    expect([statesValues(forged), await withMarks(keys, forged, { ...idle, followsValues: true })]).toEqual([
      true,
      made,
    ]);
    expect(reads).toEqual([]);
  });

  it('are not made for a command that states no values, and what is malformed is left to the owner', async () => {
    const { owner, grants, keys } = await trees();
    const plain = { type: 'authorize', grantId: grants[0] };
    expect([statesValues(plain), statesValues(null), statesValues(stating('x'))]).toEqual([false, false, true]);
    expect(await withMarks(keys, plain, owner)).toBe(plain);
    const malformed = stating(grants[0] as string, ['secret']);
    expect(await withMarks(keys, malformed, owner)).toBe(malformed);
  });
});
