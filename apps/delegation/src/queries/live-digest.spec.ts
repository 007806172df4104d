import { liveDigest } from './live-digest';
import { authorize, digestFromZero, grantIdOf, openRun, World } from '../testing/world';

describe('the digest of a live state', () => {
  it('is that of a fold from position 0, however many steps it takes', async () => {
    const { world, owner } = await World.start();
    const grantId = grantIdOf(await owner.submit(openRun()));
    await world.together(
      owner,
      Array.from({ length: 2_500 }, () => authorize(grantId)),
    );
    const { position, digest } = await liveDigest(owner);
    expect(position).toBe((await world.events()).length);
    expect(digest).toBe(await digestFromZero(world.eventlog));
    await world.end();
  });

  it('is given up where the state changes between its steps, and one that needs only one is not', async () => {
    const { world, owner } = await World.start();
    const grantId = grantIdOf(await owner.submit(openRun()));
    const opened: Promise<unknown>[] = [];
    const changing = () => {
      opened.push(owner.submit(openRun()));
      return 0;
    };
    expect(await liveDigest(owner, changing)).toMatchObject({ digest: expect.stringMatching(/^sha256:/) as string });
    await world.together(
      owner,
      Array.from({ length: 2_500 }, () => authorize(grantId)),
    );
    expect(await liveDigest(owner, changing)).toMatchObject({ digest: null });
    await Promise.all(opened);
    await world.end();
  });

  it('is given up in time for whoever waits to hear of it', async () => {
    const { world, owner } = await World.start();
    const grantId = grantIdOf(await owner.submit(openRun()));
    const many = Array.from({ length: 2_500 }, () => authorize(grantId));
    await world.together(owner, many);
    let time = 0;
    expect(await liveDigest(owner, () => (time += 400))).toMatchObject({ digest: expect.any(String) as string });
    expect(await liveDigest(owner, () => (time += 900))).toMatchObject({ digest: null });
    await world.end();
  });
});
