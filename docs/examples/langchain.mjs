// LangChain 1: a middleware decides every call. The model is scripted, so that the example runs without a network.
import { BaseChatModel } from '@langchain/core/language_models/chat_models';
import { AIMessage, ToolMessage } from '@langchain/core/messages';
import { createAgent, tool } from 'langchain';
import { z } from 'zod';
import { bailiwickMiddleware, subagentTool } from '@bailiwick/client/langchain';
import { leaseOf, openRun } from '@bailiwick/client/run';
import { connect, files, readFile, request, rules, writeFile } from './connect.mjs';

const run = await openRun(connect(), request('typo-fixer'));

const path = z.string();
const read_file = tool(readFile, { name: 'read_file', description: 'Reads a file', schema: z.object({ path }) });
const write_file = tool(writeFile, {
  name: 'write_file',
  description: 'Writes a file',
  schema: z.object({ path, text: z.string() }),
});

/** A model that answers turn by turn: with calls of tools, and at last with a text. */
class Scripted extends BaseChatModel {
  constructor(...turns) {
    super({});
    this.turns = turns.map(
      (turn) => new AIMessage(typeof turn === 'string' ? turn : { content: '', tool_calls: turn }),
    );
  }
  _llmType() {
    return 'scripted';
  }
  bindTools() {
    return this;
  }
  async _generate() {
    const message = this.turns.shift();
    return { generations: [{ text: String(message.content), message }] };
  }
}
const call = (name, args) => ({ name, args, id: crypto.randomUUID(), type: 'tool_call' });

/** A subagent that may only read: its lease is never the parent's. */
const review = subagentTool(
  run,
  {
    name: 'review',
    agent: 'reviewer',
    description: 'Reviews a file',
    schema: z.object({ path }),
    task: (input) => `Review ${input.path}`,
    rules,
    grant: leaseOf({ read_file: rules.read_file }),
  },
  async (input, { middleware, signal, run: child }) => {
    const calls = [call('read_file', input), call('write_file', { path: 'docs/drafts/x.md', text: '' })];
    const agent = createAgent({
      model: new Scripted(calls, 'reviewed'),
      tools: [read_file, write_file],
      middleware: [middleware],
    });
    const { messages } = await agent.invoke({ messages: [{ role: 'user', content: input.path }] }, { signal });
    console.log(`the subagent has its own lease: ${child.grantId !== run.grantId}`);
    show(messages, 'reviewer ');
    return messages.at(-1).content;
  },
);

const agent = createAgent({
  model: new Scripted(
    [
      call('read_file', { path: 'docs/intro.md' }),
      call('read_file', { path: 'secrets/token.txt' }),
      call('write_file', { path: 'docs/drafts/intro.md', text: 'Bailiwick gives every agent a lease.' }),
    ],
    [call('review', { path: 'docs/drafts/intro.md' })],
    'done',
  ),
  tools: [read_file, write_file, review],
  // the last middleware is the nearest to the tools
  middleware: [bailiwickMiddleware(run, rules)],
});
const prompt = { messages: [{ role: 'user', content: 'Fix the typos in docs' }] };
const { messages } = await agent.invoke(prompt, { signal: run.signal });
show(messages);
console.log(`${messages.at(-1).content}; the draft is ${files.has('docs/drafts/intro.md') ? 'written' : 'missing'}`);
await run.complete();
console.log(`tree ${run.treeId}`);

function show(messages, prefix = '') {
  for (const message of messages)
    if (ToolMessage.isInstance(message)) console.log(`${prefix}${message.name}: ${message.content}`);
}
