// Code mode: a tool that runs code, which calls other tools. Each execution has a separate lease, and each call in it is
// decided. The code is in a worker without the token; a worker is no sandbox: run code that you do not trust in one.
import { Worker } from 'node:worker_threads';
import { leaseOf, openRun } from '@bailiwick/client/run';
import { connect, files, readFile, request, rules, writeFile } from './connect.mjs';

const { grant, ...asked } = request('coder');
const delegation = { depth: 1, children: 10, classes: ['code'] };
const run = await openRun(connect(), { ...asked, grant: { ...grant, delegation } });
const tools = { read_file: readFile, write_file: writeFile };

/** Runs code with a narrow lease: the verbs of these tools, and at most this many calls. */
async function runCode(code, { names, calls, task }) {
  const grant = { ...leaseOf(Object.fromEntries(names.map((name) => [name, rules[name]]))), budget: { calls } };
  return run.subagent({ agent: 'code', task, grant }, async (child) => {
    const guarded = Object.fromEntries(
      Object.keys(tools).map((name) => [name, child.guard({ ...rules[name], name, run: tools[name] })]),
    );
    return inWorker(code, child.signal, (name, args) => {
      if (!Object.hasOwn(guarded, name)) throw new Error(`no tool ${name}`);
      return guarded[name](args);
    });
  });
}

/** Runs code in a worker that has `call(name, args)` and nothing else of this process. It ends with the lease. */
function inWorker(code, signal, call) {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const waiting = new Map();
     const call = (name, args) => new Promise((resolve, reject) => {
       waiting.set(waiting.size, { resolve, reject });
       parentPort.postMessage({ id: waiting.size - 1, name, args });
     });
     parentPort.on('message', ({ id, value, error }) =>
       error === undefined ? waiting.get(id).resolve(value) : waiting.get(id).reject(new Error(error)));
     (async () => { ${code} })().then((done) => parentPort.postMessage({ done: String(done) }));`,
    { eval: true, env: {} },
  );
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => worker.terminate(), { once: true });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the code was stopped')));
    worker.on('message', async ({ id, name, args, done }) => {
      if (done !== undefined) return resolve(done);
      const answer = await Promise.resolve()
        .then(() => call(name, args))
        .then((value) => ({ value }))
        .catch((error) => ({ error: error.message }));
      worker.postMessage({ id, ...answer });
    });
  }).finally(() => worker.terminate());
}

const reading = { names: ['read_file'], calls: 3, task: 'Count words' };
console.log(await runCode(`return (await call('read_file', { path: 'docs/intro.md' })).split(' ').length;`, reading));

// what the lease of the execution does not permit is denied, whatever its parent may do
const writing = `return call('write_file', { path: 'docs/drafts/x.md', text: 'x' }).catch((error) => error.message);`;
console.log(await runCode(writing, reading));

// a loop has a lease with counts: the fourth call of three is denied
const loop = `
  const seen = [];
  for (let i = 0; i < 5; i++)
    seen.push(await call('read_file', { path: 'docs/intro.md' }).then(() => 'read', (error) => error.message));
  return seen.join(' | ');`;
console.log(await runCode(loop, reading));

await run.complete();
console.log(`files changed: ${[...files.keys()].filter((name) => name.startsWith('docs/drafts/')).length}`);
