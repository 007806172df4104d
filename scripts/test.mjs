// `npm test`: all set-up, one PostgreSQL and one nats-server for the whole run, every test, and everything stopped again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, chmodSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, setUp } from './setup.mjs';

/** A test that spins or waits for ever would hold up whoever runs them: then everything is ended, and this fails. */
const MOST_MS = 35 * 60_000;

setUp();
const require = createRequire(import.meta.url);
const { startPostgres } = require(join(root, 'libs/platform/dist/servers/postgres.js'));
const { findNatsServer, startNats } = require(join(root, 'libs/platform/dist/servers/nats.js'));

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
  if (existsSync(result)) tally = tallyOf(JSON.parse(readFileSync(result, 'utf8')));
} finally {
  await stopAll();
}
console.log(tally);
process.exit(code);

function tallyOf({ numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites }) {
  const broken = numFailedTests === 0 ? numFailedTestSuites : 0; // a suite that could not even be loaded
  return `${numPassedTests} passed, ${numFailedTests + broken} failed${numPendingTests ? `, ${numPendingTests} skipped` : ''}`;
}

function jest(args, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true, // its own group: a worker that spins hears nothing but the end of all of it
    });
    const signal = (name) => {
      try {
        process.kill(-child.pid, name); // workers may be left although their parent has exited
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    };
    const end = async () => {
      signal('SIGTERM'); // what the tests started stops itself
      if (child.exitCode === null) await Promise.race([once(child, 'exit'), delay(10_000)]);
      signal('SIGKILL');
    };
    stops.push(end);
    const timer = setTimeout(() => {
      console.error(`ended after ${MOST_MS / 60_000} minutes: a test file that has neither PASS nor FAIL above hangs`);
      void end();
    }, MOST_MS);
    child.on('exit', (status) => {
      clearTimeout(timer);
      resolve(status ?? 1);
    });
  });
}
