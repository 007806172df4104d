import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** Writes lines for a while, then reports to its parent that it still runs. */
const PROGRAM = `
  const { makeLogger } = require(process.argv[1]);
  const logger = makeLogger('test', 'info');
  const line = (n) => {
    logger.info({ n, text: 'x'.repeat(1_000) }, 'a line');
    if (n < 2_000) setImmediate(line, n + 1);
    else process.send({ heap: process.memoryUsage().heapUsed });
  };
  line(0);
`;

(existsSync('/dev/full') ? describe : describe.skip)('a logger on a full disk', () => {
  it('loses its lines, without ending the service or buffering all of them', async () => {
    const full = openSync('/dev/full', 'w');
    const register = join(__dirname, '..', '..', '..', 'test', 'support', 'register.cjs');
    const child = spawn(process.execPath, ['--require', register, '-e', PROGRAM, join(__dirname, 'logging.ts')], {
      stdio: ['ignore', full, 'pipe', 'ipc'],
    });
    closeSync(full);
    let errors = '';
    child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const reports: unknown[] = [];
    child.on('message', (message) => {
      reports.push(message);
      child.disconnect();
    });
    const [code] = (await once(child, 'exit')) as [number];
    expect([code, errors, reports.length]).toEqual([0, '', 1]);
  });
});
