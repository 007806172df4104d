// `npm test`: all set-up, one PostgreSQL and one nats-server for the whole run, every test, and everything stopped again.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, chmodSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, setUp } from './setup.mjs';

setUp();
const require = createRequire(import.meta.url);
const { startPostgres } = require(join(root, 'dist/libs/platform/servers/postgres.js'));
const { findNatsServer, startNats } = require(join(root, 'dist/libs/platform/servers/nats.js'));

const dir = mkdtempSync(join(tmpdir(), 'bailiwick-test-'));
chmodSync(dir, 0o755); // as root the database's own user must get in
const stops = [];
let code = 1;
let tally = '0 passed, 1 failed';
const stopAll = async () => {
  for (const stop of stops.splice(0).reverse()) await stop().catch(() => undefined);
  rmSync(dir, { recursive: true, force: true });
};
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void stopAll().then(() => process.exit(130)));
try {
  const binary = findNatsServer(join(root, '.bailiwick', 'cache'), process.env.BAILIWICK_NATS_SERVER, console.log);
  const postgres = await startPostgres({ dataDir: dir });
  stops.push(() => postgres.stop());
  const nats = await startNats({
    binary,
    dataDir: dir,
    users: {
      operator: 'operator',
      ...Object.fromEntries(['delegation', 'ledger', 'intent', 'gateway'].map((name) => [name, name])),
    },
  });
  stops.push(() => nats.stop());
  const result = join(dir, 'jest.json');
  // much of a test is waiting for servers: two at once, even on two cores
  const workers = Math.max(2, availableParallelism() - 1);
  code = await jest(['--json', `--outputFile=${result}`, `--maxWorkers=${workers}`, ...process.argv.slice(2)], {
    BAILIWICK_TEST_DATABASE_URL: postgres.url,
    BAILIWICK_TEST_NATS_URL: nats.url,
    BAILIWICK_TEST_NATS_SERVER: binary,
  });
  const { numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites } = JSON.parse(
    readFileSync(result, 'utf8'),
  );
  const broken = numFailedTests === 0 ? numFailedTestSuites : 0; // a suite that could not even be loaded
  tally = `${numPassedTests} passed, ${numFailedTests + broken} failed${numPendingTests ? `, ${numPendingTests} skipped` : ''}`;
} finally {
  await stopAll();
}
console.log(tally);
process.exit(code);

function jest(args, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('exit', (status) => resolve(status ?? 1));
  });
}
