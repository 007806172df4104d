import { execFile } from 'node:child_process';
import { getPriority, platform } from 'node:os';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A process that follows decisions, begun behind others by `nice`. */
async function priorityAfter(nice: number): Promise<number> {
  const register = resolve(__dirname, '..', '..', '..', 'test', 'support', 'register.cjs');
  const script = `
    const os = require('node:os');
    os.setPriority(${nice});
    require(${JSON.stringify(resolve(__dirname, 'priority.ts'))}).followDecisions();
    process.stdout.write(String(os.getPriority()));
  `;
  const { stdout } = await run(process.execPath, ['--require', register, '-e', script]);
  return Number(stdout);
}

/** Seen to fail where it sets the priority whatever it was: only root may raise one, and a service would not start. */
(platform() === 'linux' ? describe : describe.skip)('a process that follows decisions', () => {
  it('goes behind those that decide', async () => {
    const mine = getPriority();
    expect(await priorityAfter(mine)).toBe(Math.max(mine, 5));
  });

  it('and stays where it is if it was begun further behind', async () => {
    expect(await priorityAfter(15)).toBe(15);
  });
});
