// `npm test`: runs the set-up, starts one PostgreSQL and one nats-server for all tests, runs them, and stops the servers.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, chmodSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, setUp } from './setup.mjs';

/** Time limit for the whole run. A test that hangs would block it indefinitely; at the limit the run is ended and fails. */
const MAX_RUN_MS = 37 * 60_000;

setUp();
const require = createRequire(import.meta.url);
const { startPostgres } = require(join(root, 'libs/platform/dist/local-servers/postgres.js'));
const { freePort } = require(join(root, 'libs/platform/dist/local-servers/ports.js'));
const { findNatsServer, startNats } = require(join(root, 'libs/platform/dist/local-servers/nats.js'));

const dir = mkdtempSync(join(tmpdir(), 'bailiwick-test-'));
chmodSync(dir, 0o755); // if this runs as root, the database's user must be able to enter
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
  const stack = process.argv.length > 2 ? undefined : await startSystem(binary); // some files start separate systems
  // a path in this variable keeps the results, with the time of each file
  const result = process.env.BAILIWICK_TEST_RESULT ?? join(dir, 'jest.json');
  // tests mostly wait for servers, so use two workers even on two cores; a third only makes them wait for each other
  const workers = Math.max(2, availableParallelism() - 1);
  code = await jest(['--json', `--outputFile=${result}`, `--maxWorkers=${workers}`, ...process.argv.slice(2)], {
    BAILIWICK_TEST_DATABASE_URL: postgres.url,
    BAILIWICK_TEST_NATS_URL: nats.url,
    BAILIWICK_TEST_NATS_SERVER: binary,
    ...(stack ? { BAILIWICK_TEST_STACK: stack } : {}),
  });
  if (existsSync(result)) tally = tallyOf(JSON.parse(readFileSync(result, 'utf8')));
} finally {
  await stopAll();
}
console.log(tally);
process.exit(code);

/** Starts the system whose tenants tests share (`Stack.tenant`). @returns its data folder */
async function startSystem(natsServer) {
  const dataDir = join(dir, 'system');
  const child = spawn(
    process.execPath,
    [
      '--conditions=built',
      join(root, 'bin/bailiwick.mjs'),
      'up',
      '--data',
      dataDir,
      '--port',
      String(await freePort()),
    ],
    {
      // a receiver of webhooks in a test is on this machine
      env: { ...process.env, BAILIWICK_NATS_SERVER: natsServer, BAILIWICK_WEBHOOK_NETWORKS: '127.0.0.1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  stops.push(async () => {
    child.kill('SIGINT');
    if (child.exitCode === null) await Promise.race([once(child, 'exit'), delay(20_000)]);
    child.kill('SIGKILL');
  });
  await new Promise((ready, failed) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('Bailiwick is running')) ready();
    });
    child.once('exit', () => failed(new Error(`the system for tests ended before it was ready:\n${output}`)));
  });
  return dataDir;
}

function tallyOf({ numPassedTests, numFailedTests, numPendingTests, numFailedTestSuites }) {
  const broken = numFailedTests === 0 ? numFailedTestSuites : 0; // suites that failed to load
  return `${numPassedTests} passed, ${numFailedTests + broken} failed${numPendingTests ? `, ${numPendingTests} skipped` : ''}`;
}

function jest(args, env) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules/jest/bin/jest.js'), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true, // a separate process group, so that a spinning worker can be killed with the group
    });
    const signal = (name) => {
      try {
        process.kill(-child.pid, name); // workers may still run after their parent has exited
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    };
    const end = async () => {
      signal('SIGTERM'); // the servers and processes that tests started stop on it
      if (child.exitCode === null) await Promise.race([once(child, 'exit'), delay(10_000)]);
      signal('SIGKILL');
    };
    stops.push(end);
    const timer = setTimeout(() => {
      console.error(`ended after ${MAX_RUN_MS / 60_000} minutes: each test file without PASS or FAIL above hangs`);
      void end();
    }, MAX_RUN_MS);
    child.on('exit', (status) => {
      clearTimeout(timer);
      resolve(status ?? 1);
    });
  });
}
