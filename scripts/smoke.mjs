// `npm run smoke`: runs `npm start` as a new user does, in a temporary data folder. Checks that the demo ends with a
// verified receipt, that the service responds, that Ctrl-C ends every process, and that a second start finds the data.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, chmodSync, readFileSync, rmSync, existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './setup.mjs';

const dir = mkdtempSync(join(tmpdir(), 'bailiwick-smoke-'));
chmodSync(dir, 0o711);
const data = join(dir, 'data');
const port = await freePort();
const FIRST_S = 300; // includes the set-up
const SECOND_S = 60;

let failed;
try {
  const first = await start(FIRST_S);
  check(first.output.includes('receipt verified'), 'the demo did not end with a verified receipt');
  check(/\bdeny\b/.test(first.output), 'the demo showed no denied call');
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  check(ready.status === 200, `/readyz responded with ${ready.status}`);
  const events = await countEvents();
  const pids = runningPids();
  console.log(`first start: demo to its verified receipt, ${events} events, ${pids.length} processes`);
  await first.interrupt();
  check(pids.filter(isAlive).length === 0, `processes still run after Ctrl-C: ${pids.filter(isAlive).join(', ')}`);
  console.log('Ctrl-C: every process has ended');

  const second = await start(SECOND_S, ['--no-demo']);
  check((await countEvents()) === events, 'the second start did not find the events of the first');
  console.log(`second start: found all ${events} events, ready after ${second.seconds.toFixed(1)} s`);
  await second.interrupt();
} catch (error) {
  failed = error;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
console.log(failed ? `smoke run failed: ${failed.message}` : 'smoke run passed');
process.exit(failed ? 1 : 0);

function check(holds, why) {
  if (!holds) throw new Error(why);
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address();
      server.close(() => resolve(free));
    });
  });
}

/** Runs `npm start` in a separate process group, as a terminal does, and waits until it reports that it is running. */
function start(seconds, flags = []) {
  const from = Date.now();
  const env = { ...process.env, BAILIWICK_DATA: data, BAILIWICK_PORT: String(port) };
  const child = spawn('npm', ['start', '--silent', ...(flags.length ? ['--', ...flags] : [])], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run = { output: '', seconds: 0, interrupt: () => interrupt(child) };
  return new Promise((resolve, reject) => {
    const fail = (why) => {
      kill(child.pid, 'SIGKILL');
      reject(new Error(`${why}\n${run.output}`));
    };
    const timer = setTimeout(() => fail(`npm start was not ready after ${seconds} s`), seconds * 1000);
    const onOutput = (chunk) => {
      run.output += chunk;
      if (!run.output.includes('Bailiwick is running')) return;
      clearTimeout(timer);
      run.seconds = (Date.now() - from) / 1000;
      resolve(run);
    };
    child.stdout.on('data', onOutput);
    child.stderr.on('data', onOutput);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`npm start ended with ${code}`);
    });
  });
}

/** Sends SIGINT to the whole process group, as Ctrl-C at a terminal does, and waits until the service has ended. */
function interrupt(child) {
  return new Promise((resolve) => {
    child.removeAllListeners('exit');
    child.once('exit', resolve);
    kill(child.pid, 'SIGINT');
  }).then(async () => {
    const end = Date.now() + 30_000; // npm may exit before its children
    while (existsSync(join(data, 'lock')) && Date.now() < end) await new Promise((again) => setTimeout(again, 50));
  });
}

function kill(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // the process group has already ended
  }
}

function runningPids() {
  const status = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8'));
  return [status.supervisor, ...status.services.map((service) => service.pid), status.postgres.pid, status.nats.pid];
}

function isAlive(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return stdout.trim() !== '' && !stdout.trim().startsWith('Z');
}

async function countEvents() {
  const { keys } = JSON.parse(readFileSync(join(data, 'credentials.json'), 'utf8'));
  const response = await fetch(`http://127.0.0.1:${port}/v1/events?after=-1&limit=1000`, {
    headers: { authorization: `Bearer ${keys.analyst}` },
  });
  return (await response.json()).items.length;
}
