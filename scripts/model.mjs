// Checks the model of test/model/system.qnt on random traces: the design from each start, then the design without one rule each,
// which must violate an invariant. `npm run model [-- --traces N --seed N]`. Exit code 1 if any line is not as expected.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const QUINT = createRequire(import.meta.url).resolve('@informalsystems/quint/dist/src/cli.js');
const MODEL = fileURLToPath(new URL('../test/model/system.qnt', import.meta.url));
const INVARIANTS = ['I2', 'I3', 'I4', 'I5', 'I13'];
// states that traces must reach, or the invariants prove little
const REACHED = ['revokesWhileSliced', 'permitsAfterRevocation', 'changesOwner', 'spendsAll', 'confirms'];
const STEPS = 50;
// each is found in a few hundred
const TRACES_TO_A_FAULT = 3_000;

const { values } = parseArgs({
  options: { traces: { type: 'string', default: '600' }, seed: { type: 'string', default: '7' } },
});
const [traces, seed] = [Number(values.traces), Number(values.seed)];
if (![traces, seed].every((value) => Number.isSafeInteger(value) && value > 0)) {
  console.error('--traces and --seed are positive integers');
  process.exit(2);
}

const DESIGN = ['init', 'sliced', 'handedOver'].map((start) => ({ main: 'design', start, breaks: undefined }));
const WITHOUT = [
  { main: 'without_epoch', start: 'handedOver', breaks: 'I13' },
  { main: 'without_position', start: 'sliced', breaks: 'I5' },
  { main: 'without_loss', start: 'sliced', breaks: 'I3' },
  { main: 'without_question', start: 'sliced', breaks: 'I13' },
];

/** @returns {Promise<{ code: number | null, output: string }>} */
function quint(...args) {
  const child = spawn(process.execPath, [QUINT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += part));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

async function check({ main, start, breaks }) {
  const { code, output } = await quint(
    ...['run', MODEL, '--backend=typescript', `--main=${main}`, `--init=${start}`, '--verbosity=1'],
    ...[`--max-steps=${STEPS}`, `--max-samples=${breaks === undefined ? traces : TRACES_TO_A_FAULT}`, `--seed=${seed}`],
    ...['--invariants', ...INVARIANTS, '--witnesses', ...REACHED],
  );
  const violated = [...output.matchAll(/❌ (\w+)/g)].map(([, name]) => name);
  const reached = Object.fromEntries(
    [...output.matchAll(/^(\w+) was witnessed in (\d+) trace/gm)].map(([, name, count]) => [name, Number(count)]),
  );
  const explored = Number(/out of (\d+) explored/.exec(output)?.[1] ?? NaN);
  // a run that fails in another way, such as a model that cannot be parsed, has not found a fault
  const isExpected =
    breaks === undefined ? code === 0 && violated.length === 0 : violated.length === 1 && violated[0] === breaks;
  return { main, start, breaks, violated, reached, explored, isExpected, output };
}

const typed = await quint('typecheck', MODEL);
if (typed.code !== 0) {
  console.error(typed.output);
  process.exit(1);
}
const results = [];
const queue = [...DESIGN, ...WITHOUT];
await Promise.all(
  [0, 1].map(async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results.push(await check(next));
  }),
);
const order = [...DESIGN, ...WITHOUT].map(({ main, start }) => `${main} ${start}`);
results.sort((a, b) => order.indexOf(`${a.main} ${a.start}`) - order.indexOf(`${b.main} ${b.start}`));

for (const { main, start, breaks, violated, explored, isExpected, output } of results) {
  const found = violated.length === 0 ? 'no violation' : `violates ${violated.join(', ')}`;
  const verdict = isExpected ? 'as expected' : `EXPECTED ${breaks === undefined ? 'no violation' : breaks}`;
  console.log(
    `${main.replace('_', ' ').padEnd(18)} from ${start.padEnd(11)} ${String(explored).padStart(6)} traces  ${found.padEnd(14)}  ${verdict}`,
  );
  if (!isExpected) console.log(output);
}
const missed = REACHED.filter((name) =>
  results.every(({ breaks, reached }) => breaks !== undefined || !(reached[name] > 0)),
);
for (const name of missed) console.log(`no trace of the design reached ${name}: raise --traces`);
if (missed.length > 0 || results.some(({ isExpected }) => !isExpected)) process.exit(1);
console.log(`${INVARIANTS.join(', ')} hold in ${DESIGN.length * traces} traces of ${STEPS} steps`);
