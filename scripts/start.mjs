// `npm start`: runs the set-up, then the whole system with its demo, until Ctrl-C.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

try {
  setUp();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}
// The child is in the terminal's process group, so it receives Ctrl-C directly; this process only waits for it to exit.
const child = spawn(
  process.execPath,
  ['--conditions=built', join(root, 'bin', 'bailiwick.mjs'), 'up', '--demo', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
