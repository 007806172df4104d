import { liveDigest } from './live-digest';
import { authorize, digestFromZero, grantIdOf, openRun, World } from '../testing/world';

describe('liveDigest', () => {
  it('returns the digest of a fold from position 0, in any number of steps', async () => {
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

  it('returns null if the state changes between steps, but a digest if one step is enough', async () => {
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

  it('returns null before the caller stops waiting', async () => {
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
