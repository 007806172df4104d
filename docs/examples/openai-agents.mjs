// OpenAI Agents SDK: guarded tools, and a child agent with a separate lease. The model is scripted, so that the example
// runs without a network.
import { Agent, run as runAgent, setTracingDisabled } from '@openai/agents';
import { assistantMessage, functionCall, ScriptedModel } from '@openai/agents/testing';
import { z } from 'zod';
import { guardedTool, onlyGuarded, subagent } from '@bailiwick/client/openai-agents';
import { openRun } from '@bailiwick/client/run';
import { connect, files, readFile, request, rules, writeFile } from './connect.mjs';

setTracingDisabled(true);
const run = await openRun(connect(), request('typo-fixer'));

const path = z.string();
/** Makes the tools for what guards them: the run, or a child. */
const toolsFor = (guards) => [
  guardedTool(guards, rules.read_file, {
    name: 'read_file',
    description: 'Reads a file',
    parameters: z.object({ path }),
    execute: readFile,
  }),
  guardedTool(guards, rules.write_file, {
    name: 'write_file',
    description: 'Writes a file',
    parameters: z.object({ path, text: z.string() }),
    execute: writeFile,
  }),
];
/** A model that answers turn by turn: with calls of tools, and at last with a text. */
const scripted = (...turns) =>
  new ScriptedModel(turns.map((turn) => (typeof turn === 'string' ? [assistantMessage(turn)] : turn)));
const call = (name, args) => functionCall(name, args, { callId: crypto.randomUUID() });

/** A child that may only read: its lease is for the verbs of its rules, and never the parent's. */
const reviewer = subagent(
  run,
  { agent: 'reviewer', task: 'Review the draft', rules: { read_file: rules.read_file } },
  (guards) =>
    onlyGuarded(
      new Agent({
        name: 'reviewer',
        model: scripted(
          [
            call('read_file', { path: 'docs/drafts/intro.md' }),
            call('write_file', { path: 'docs/drafts/x.md', text: '' }),
          ],
          'reviewed',
        ),
        tools: toolsFor(guards),
      }),
    ),
);

const agent = new Agent({
  name: 'typo-fixer',
  model: scripted(
    [
      call('read_file', { path: 'docs/intro.md' }),
      call('read_file', { path: 'secrets/token.txt' }),
      call('write_file', { path: 'docs/drafts/intro.md', text: 'Bailiwick gives every agent a lease.' }),
    ],
    [call('transfer_to_reviewer', {})],
  ),
  tools: toolsFor(run),
  handoffs: [reviewer],
});
const result = await runAgent(onlyGuarded(agent), 'Fix the typos in docs', { signal: run.signal });
for (const { type, rawItem, output, agent: by } of result.newItems)
  if (type === 'tool_call_output_item')
    console.log(`${by.name === 'reviewer' ? 'reviewer ' : ''}${rawItem.name}: ${output}`);
console.log(`${result.finalOutput}; the draft is ${files.has('docs/drafts/intro.md') ? 'written' : 'missing'}`);
await run.complete();
console.log(`tree ${run.treeId}`);
