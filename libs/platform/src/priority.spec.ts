import { execFile } from 'node:child_process';
import { getPriority, platform } from 'node:os';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Starts a process that follows decisions with the given `nice` value. */
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

/** Fails if the priority is set unconditionally: only root may raise one, and a service would not start. */
(platform() === 'linux' ? describe : describe.skip)('followDecisions', () => {
  it('lowers the priority of a process below those that decide', async () => {
    const mine = getPriority();
    expect(await priorityAfter(mine)).toBe(Math.max(mine, 5));
  });

  it('keeps a priority that is even lower', async () => {
    expect(await priorityAfter(15)).toBe(15);
  });
});
