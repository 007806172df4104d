// Vercel AI SDK 6: the same tools, guarded. The model is scripted, so that the example runs without a network.
import { generateText, stepCountIs, tool } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { z } from 'zod';
import { guardTools, subagentTool } from '@bailiwick/client/ai-sdk';
import { leaseOf, openRun } from '@bailiwick/client/run';
import { connect, files, readFile, request, rules, writeFile } from './connect.mjs';

const run = await openRun(connect(), request('typo-fixer'));

const read_file = tool({ inputSchema: z.object({ path: z.string() }), execute: readFile });
const write_file = tool({ inputSchema: z.object({ path: z.string(), text: z.string() }), execute: writeFile });

/** A subagent that may only read: its lease is never the parent's. */
const review = subagentTool(
  run,
  {
    agent: 'reviewer',
    description: 'Reviews a file',
    inputSchema: z.object({ path: z.string() }),
    task: ({ path }) => `Review ${path}`,
    tools: { read_file, write_file },
    rules,
    grant: leaseOf({ read_file: rules.read_file }),
  },
  async ({ path }, { tools, abortSignal, run: child }) => {
    const model = scripted(
      [call('read_file', { path }), call('write_file', { path: 'docs/drafts/x.md', text: '' })],
      'reviewed',
    );
    const { text, steps } = await generateText({ model, tools, prompt: path, abortSignal, stopWhen: stepCountIs(3) });
    console.log(`the subagent has its own lease: ${child.grantId !== run.grantId}`);
    show(steps, 'reviewer ');
    return text;
  },
);

const { text, steps } = await generateText({
  model: scripted(
    [
      call('read_file', { path: 'docs/intro.md' }),
      call('read_file', { path: 'secrets/token.txt' }),
      call('write_file', { path: 'docs/drafts/intro.md', text: 'Bailiwick gives every agent a lease.' }),
    ],
    [call('review', { path: 'docs/drafts/intro.md' })],
    'done',
  ),
  tools: { ...guardTools(run, { read_file, write_file }, rules), review },
  prompt: 'Fix the typos in docs',
  abortSignal: run.signal,
  stopWhen: stepCountIs(3),
});
show(steps);
console.log(`${text}; the draft is ${files.has('docs/drafts/intro.md') ? 'written' : 'missing'}`);
await run.complete();
console.log(`tree ${run.treeId}`);

/** A model that answers turn by turn: with calls of tools, and at last with a text. */
function scripted(...turns) {
  const results = turns.map((turn) => ({
    content: typeof turn === 'string' ? [{ type: 'text', text: turn }] : turn,
    usage: { inputTokens: { total: 1 }, outputTokens: { total: 1 } },
    finishReason: { unified: typeof turn === 'string' ? 'stop' : 'tool-calls', raw: undefined },
    warnings: [],
  }));
  return new MockLanguageModelV3({ doGenerate: async () => results.shift() });
}
function call(toolName, input) {
  return { type: 'tool-call', toolCallId: crypto.randomUUID(), toolName, input: JSON.stringify(input) };
}
function show(steps, prefix = '') {
  for (const part of steps.flatMap(({ content }) => content)) {
    if (part.type === 'tool-result') console.log(`${prefix}${part.toolName}: ${part.output}`);
    if (part.type === 'tool-error') console.log(`${prefix}${part.toolName}: ${part.error.message}`);
  }
}
