// `npm run smoke`: `npm start` as a new user has it, in a data folder of its own: the demo to its verified receipt, the
// service answering, Ctrl-C leaving nothing behind, and a second start that finds its data.
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
const FIRST_S = 300; // sets up whatever is missing
const SECOND_S = 60;

let failed;
try {
  const first = await start(FIRST_S);
  need(first.said.includes('receipt verified'), 'the demo did not end with a verified receipt');
  need(/\bdeny\b/.test(first.said), 'the demo showed no denied call');
  const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  need(ready.status === 200, `/readyz answered ${ready.status}`);
  const events = await countEvents();
  const pids = runningPids();
  console.log(`first start: demo to its verified receipt, ${events} events, ${pids.length} processes`);
  await first.interrupt();
  need(pids.filter(isAlive).length === 0, `processes are left behind: ${pids.filter(isAlive).join(', ')}`);
  console.log('Ctrl-C: nothing is left behind');

  const second = await start(SECOND_S, ['--no-demo']);
  need((await countEvents()) === events, 'the second start did not find the events of the first');
  console.log(`second start: all ${events} events are there, up in ${second.seconds.toFixed(1)} s`);
  await second.interrupt();
} catch (error) {
  failed = error;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
console.log(failed ? `smoke run failed: ${failed.message}` : 'smoke run passed');
process.exit(failed ? 1 : 0);

function need(holds, why) {
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

/** Starts it in a process group of its own, as a terminal does, and waits until it says that it runs. */
function start(seconds, flags = []) {
  const from = Date.now();
  const env = { ...process.env, BAILIWICK_DATA: data, BAILIWICK_PORT: String(port) };
  const child = spawn('npm', ['start', '--silent', ...(flags.length ? ['--', ...flags] : [])], {
    cwd: root,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run = { said: '', seconds: 0, interrupt: () => interrupt(child) };
  return new Promise((resolve, reject) => {
    const fail = (why) => {
      kill(child.pid, 'SIGKILL');
      reject(new Error(`${why}\n${run.said}`));
    };
    const timer = setTimeout(() => fail(`npm start was not up after ${seconds} s`), seconds * 1000);
    const hear = (chunk) => {
      run.said += chunk;
      if (!run.said.includes('Bailiwick is running')) return;
      clearTimeout(timer);
      run.seconds = (Date.now() - from) / 1000;
      resolve(run);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => {
      clearTimeout(timer);
      fail(`npm start ended with ${code}`);
    });
  });
}

/** Ctrl-C at a terminal: to the whole group. */
function interrupt(child) {
  return new Promise((resolve) => {
    child.removeAllListeners('exit');
    child.once('exit', resolve);
    kill(child.pid, 'SIGINT');
  }).then(async () => {
    const end = Date.now() + 30_000; // npm may be gone before what it started
    while (existsSync(join(data, 'lock')) && Date.now() < end) await new Promise((again) => setTimeout(again, 50));
  });
}

function kill(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // it is gone
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
