import { FOLD_VERSION } from '@bailiwick/authority/state/snapshot';
import { takeSnapshot } from '@bailiwick/platform/logs/log-state';
import type { LogOwner } from './owner';
import { authorize, command, digestFromZero, grantIdOf, openRun, ROOMY, World } from '../testing/world';

describe('LogOwner and snapshots', () => {
  let world: World;
  let owner: LogOwner;
  beforeEach(async () => {
    ({ world, owner } = await World.start());
  });
  afterEach(() => world.end());

  const granted = async (grant = ROOMY): Promise<string> => grantIdOf(await owner.submit(openRun(grant)));
  const warn = (message: string): unknown => world.warnings.push(message);

  it('folds a snapshot and later events to the same state as all events from 0 (I10)', async () => {
    const grantId = await granted();
    await world.together(
      owner,
      Array.from({ length: 20 }, (_, i) => authorize(grantId, { cost: { USD: i } })),
    );
    await owner.stop();
    const { position: snapshotAt } = await takeSnapshot('default/0', world.eventlog, warn);
    expect(snapshotAt).toBe(await world.eventlog.head('default/0'));

    const second = world.owner();
    await world.together(second, [authorize(grantId), command('suspend', { grantId, reasonCode: 'LOOK' }), openRun()]);
    const third = world.owner();
    world.eventlog.readFrom.length = 0;
    expect(await world.digest(third)).toBe(await digestFromZero(world.eventlog));
    expect(await world.digest(third)).toBe(await world.digest(second));
    expect(world.eventlog.readFrom[0]).toBe(snapshotAt);
  });

  const snapshotText = async (at: number): Promise<string> => {
    const found = await world.eventlog.latestSnapshot('default/0', FOLD_VERSION, at);
    const texts: string[] = [];
    for await (const part of found!.parts) texts.push(part);
    return texts.join('');
  };

  it('takes a snapshot as of its start, in pieces with a pause after each', async () => {
    const grantId = await granted();
    await world.together(
      owner,
      Array.from({ length: 7 }, () => authorize(grantId)),
    );
    const start = await world.eventlog.head('default/0');
    let pauses = 0;
    const busy = {
      events: 2,
      // during the snapshot the log grows faster than it is read
      pause: async () => {
        pauses += 1;
        await world.together(
          owner,
          Array.from({ length: 5 }, () => authorize(grantId)),
        );
      },
    };
    const { position, chars } = await takeSnapshot('default/0', world.eventlog, warn, busy);
    expect(position).toBe(start);
    expect(chars).toBe((await snapshotText(position)).length);
    expect(pauses).toBe(Math.floor(start / 2));
    expect(await world.digest(world.owner())).toBe(await digestFromZero(world.eventlog));
  });

  it('refolds the log from its first event if the snapshot cannot be read', async () => {
    await granted();
    await owner.stop();
    const head = await world.eventlog.head('default/0');
    await world.eventlog.saveSnapshot('default/0', head + 1, FOLD_VERSION, ['["log",']);
    const next = world.owner();
    expect(await world.digest(next)).toBe(await digestFromZero(world.eventlog));
    expect(world.warnings).toHaveLength(1);
  });
});
