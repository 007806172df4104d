// Compares builds of Bailiwick by turns, for one caller or for many at a time:
//
//   node scripts/builds-by-turns.mjs [--request actions] [--callers 1] [--rounds 12] [--seconds 3] [--quiet 0.3] \
//     <folder>[,NAME=value]…
//
// A request is one action, one AuthZEN `evaluation`, or `evaluations` with fifty of them.
// Each folder is a clone with its build. For each it prints the rate and the latency of decisions, the processor time
// per decision of each process, and the first build's share of every other's. Latency means something on a quiet machine
// only: with --quiet, rounds count in which other programs used at most this many cores during every turn.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    request: { type: 'string', default: 'actions' },
    callers: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '12' },
    seconds: { type: 'string', default: '3' },
    quiet: { type: 'string', default: 'Infinity' },
  },
});
const WARM_UP = 4;
const BATCH = 50;
const START_MS = 120_000;

const median = (figures) => {
  const sorted = [...figures].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};
const quantile = (ascending, share) => ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))];

const freePort = () =>
  new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** Starts the built system of a folder. */
async function start(argument) {
  const [folder, ...settings] = argument.split(',');
  const data = mkdtempSync(join(tmpdir(), 'bailiwick-idle-'));
  const port = await freePort();
  const bin = join(resolve(folder), 'bin', 'bailiwick.mjs');
  const child = spawn(
    process.execPath,
    ['--conditions=built', bin, 'up', '--data', data, '--port', String(port), '--no-demo'],
    { env: { ...process.env, ...Object.fromEntries(settings.map((each) => each.split('='))) }, stdio: 'pipe' },
  );
  let output = '';
  await new Promise((ready, fail) => {
    const timer = setTimeout(() => fail(new Error(`${folder} did not start: ${output}`)), START_MS);
    const read = (chunk) => {
      output += chunk;
      if (!output.includes('Bailiwick is running')) return;
      clearTimeout(timer);
      ready();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => fail(new Error(`${folder} ended with ${code}: ${output}`)));
  });
  const stop = () =>
    new Promise((stopped) => {
      child.once('exit', () => {
        rmSync(data, { recursive: true, force: true });
        stopped();
      });
      child.kill('SIGINT');
    });
  return { name: argument, port, data, stop, requests: [], rounds: [] };
}

/** Opens leases and returns the requests of their runs. A lease has 1,000 calls without an outcome at most. */
async function requestsOf({ port, data }) {
  const { keys } = JSON.parse(readFileSync(join(data, 'credentials.json'), 'utf8'));
  const post = async (path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${keys.orchestrator}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const many = 1_000_000_000;
  const root = await post('/v1/runs', {
    agent: { class: 'orchestrator' },
    requestedBy: 'user:owner@example.com',
    purpose: 'Read the sources of acme/clord and report what is unused',
    grant: {
      actions: { allow: ['file.*'] },
      resources: [{ type: 'file', match: 'repo/**' }],
      budget: { calls: many, reads: many, writes: many, external: many },
      time: { ttl: '8h' },
      delegation: { depth: 2, children: 10_000, classes: ['*'] },
    },
  });
  const leaves = [];
  for (let i = 0; i < 128; i++)
    leaves.push(
      await post(`/v1/grants/${root.grant.id}/delegations`, {
        agent: { class: 'reader' },
        task: 'Read one folder',
        grant: {
          actions: { allow: ['file.read'] },
          resources: [{ type: 'file', match: 'repo/src/**' }],
          budget: { calls: many / 100 },
        },
      }),
    );
  return Array.from({ length: 512 }, (_, i) => {
    const of = (n) => ({ leaf: leaves[n % leaves.length], path: `repo/src/f${n % 512}.ts` });
    const [path, body, key] = REQUESTS[values.request]((n) => of(i + n), keys);
    const text = JSON.stringify(body);
    return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nauthorization: Bearer ${key}\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
  });
}

const evaluation = ({ leaf, path }) => ({
  subject: { type: 'grant', id: leaf.grant.id },
  action: { name: 'file.read', properties: { args: { path, encoding: 'utf-8' } } },
  resource: { type: 'file', id: path },
});
/** name → path, body and key of a request */
const REQUESTS = {
  actions: (of) => {
    const { leaf, path } = of(0);
    const action = { verb: 'file.read', args: { path, encoding: 'utf-8' } };
    return ['/v1/actions', { grantId: leaf.grant.id, action, resource: { type: 'file', id: path } }, leaf.token];
  },
  evaluation: (of) => ['/access/v1/evaluation', evaluation(of(0)), of(0).leaf.token],
  evaluations: (of, keys) => [
    '/access/v1/evaluations',
    { evaluations: Array.from({ length: BATCH }, (_, n) => evaluation(of(n))) },
    keys.enforcer,
  ],
};

/** Sends requests for some time, each caller one after the other, and returns the latencies in milliseconds, ascending. */
async function drive(system, callers, ms) {
  const until = performance.now() + ms;
  const all = await Promise.all(Array.from({ length: callers }, (_, i) => call(system, i, until)));
  return all.flat().sort((a, b) => a - b);
}

function call({ port, requests }, first, until) {
  return new Promise((done, fail) => {
    const latencies = [];
    let sentAt = 0;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, send);
    function send() {
      sentAt = performance.now();
      socket.write(requests[(first + latencies.length) % requests.length]);
    }
    socket.on('error', fail);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (!/^HTTP\/1.1 2/.test(text)) return fail(new Error(text));
      const head = text.indexOf('\r\n\r\n');
      if (head < 0 || text.length - head - 4 < Number(/content-length: (\d+)/i.exec(text)?.[1])) return;
      text = '';
      const now = performance.now();
      latencies.push(now - sentAt);
      if (now < until) return send();
      socket.end();
      done(latencies);
    });
  });
}

/** The processes of a system: name → process ids. Services that share a process have one entry. */
function processesOf({ data }) {
  const { services, postgres, nats } = JSON.parse(readFileSync(join(data, 'run.json'), 'utf8'));
  const names = new Map();
  for (const { name, pid } of services) names.set(pid, names.has(pid) ? `${names.get(pid)}+${name}` : name);
  const all = Object.fromEntries([...names].map(([pid, name]) => [name, [pid]]));
  const followers = services.filter(({ name }) => name === 'ledger' || name === 'intent').map(({ pid }) => pid);
  return { ...all, followers: [...new Set(followers)], postgres: childrenOf(postgres.pid), nats: [nats.pid] };
}

function childrenOf(parent) {
  const stats = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = stats.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ')[1] === String(parent);
    } catch {
      return false; // it has ended
    }
  });
  return [parent, ...children.map(Number)];
}

/** Processor time of all threads of a process so far, µs. */
function cpuOf(pid) {
  let ns = 0;
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`))
      ns += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  } catch {
    // it, or one of its threads, has ended
  }
  return ns / 1_000;
}

/** Processor time of the whole machine so far, µs. */
function machineCpu() {
  const [user, nice, kernel, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/)
    .slice(1, 8)
    .map(Number);
  return (user + nice + kernel + irq + softirq) * 10_000;
}

/** Processor time of all systems and of this process, µs. */
const ownCpu = () =>
  cpuOf(process.pid) +
  systems
    .flatMap((system) => Object.entries(processesOf(system)))
    .filter(([name]) => name !== 'followers')
    .reduce((sum, [, pids]) => sum + pids.reduce((of, pid) => of + cpuOf(pid), 0), 0);

/** Waits until the readers of the log have caught up, so that their work for this turn counts for this turn. */
async function settled(pids) {
  const used = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
  for (let before = -Infinity, now = used(); now - before > 10_000;) {
    before = now;
    await new Promise((next) => setTimeout(next, 250));
    now = used();
  }
}

async function round(system, callers, ms) {
  if (callers > 1 || system.requests.length === 0) system.requests = await requestsOf(system);
  const processes = Object.entries(processesOf(system));
  const cpu = () => processes.map(([name, pids]) => [name, pids.reduce((sum, pid) => sum + cpuOf(pid), 0)]);
  const before = Object.fromEntries(cpu());
  const [started, own, machine] = [performance.now(), ownCpu(), machineCpu()];
  const latencies = await drive(system, callers, ms);
  const decisions = latencies.length * (values.request === 'evaluations' ? BATCH : 1);
  await settled(processes.find(([name]) => name === 'followers')[1]);
  const others = (machineCpu() - machine - (ownCpu() - own)) / 1_000 / (performance.now() - started);
  const perDecision = cpu().map(([name, us]) => [`µs ${name}`, (us - before[name]) / decisions]);
  const at = (share) => quantile(latencies, share);
  return {
    'decisions/s': decisions / (ms / 1_000),
    'p50 ms': at(0.5),
    'p90 ms': at(0.9),
    'p99 ms': at(0.99),
    others,
    ...Object.fromEntries(perDecision),
  };
}

const unusable =
  (positionals.length === 0 && 'name the folder of at least one build') ||
  (!Object.hasOwn(REQUESTS, values.request) && `--request is one of ${Object.keys(REQUESTS).join(', ')}`) ||
  ['callers', 'rounds', 'seconds']
    .map((name) => !(Number(values[name]) > 0) && `--${name} is a number above 0`)
    .find(Boolean);
if (unusable) {
  console.error(unusable);
  process.exit(2);
}
const systems = [];
try {
  for (const argument of positionals) systems.push(await start(argument));
  const ms = Number(values.seconds) * 1_000;
  for (let turn = -WARM_UP; turn < Number(values.rounds); turn++) {
    const figures = new Map();
    for (const system of turn % 2 === 0 ? systems : [...systems].reverse())
      figures.set(system, await round(system, Number(values.callers), ms));
    const isQuiet = [...figures.values()].every(({ others }) => others <= Number(values.quiet));
    if (turn >= 0 && isQuiet) for (const system of systems) system.rounds.push(figures.get(system));
  }
  const [first] = systems;
  console.log(`${first.rounds.length} of ${values.rounds} rounds count`);
  if (first.rounds.length === 0) throw new Error('no round was quiet; use a larger --quiet or more --rounds');
  for (const system of systems) {
    console.log(`\n${system.name}`);
    for (const name of Object.keys(system.rounds[0])) {
      const shares = first.rounds.map((figures, i) => figures[name] / system.rounds[i][name]);
      const share = system === first || !first.rounds[0][name] ? '' : `   first build: ${median(shares).toFixed(2)} ×`;
      console.log(
        `${name.padEnd(22)} ${median(system.rounds.map((each) => each[name]))
          .toFixed(2)
          .padStart(9)}${share}`,
      );
    }
  }
} finally {
  for (const system of systems) await system.stop();
}
