import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fill, smallDisk } from '../support/small-disk';
import { Stack, until } from '../support/stack';
import { Permits } from './permits';

const disk = smallDisk(256);
afterAll(() => disk?.remove());

(disk ? describe : describe.skip)('the system, when its disk fills up and is freed again', () => {
  let stack: Stack;
  let permits: Permits;
  beforeAll(async () => {
    stack = await Stack.start({}, ['--delegations', '2'], disk?.dir);
    permits = await Permits.under(stack);
  }, 120_000);
  afterAll(async () => {
    await permits.stop();
    await stack.down();
  });

  it('refuses requests that it cannot write, loses no event, and recovers without a restart', async () => {
    await permits.waitForPermits();
    const ballast = join(stack.dataDir, 'ballast');
    fill(ballast);
    const { refused } = permits;
    await until('requests to be refused', () => permits.refused >= refused + 20, 60_000);
    rmSync(ballast);
    await permits.waitForPermits();
    expect(await permits.end()).toEqual([]);
    expect(stack.status().services.filter(({ restarts }) => restarts > 0)).toEqual([]);
  }, 240_000);
});
