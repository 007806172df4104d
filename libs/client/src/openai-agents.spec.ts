import { Agent, setTracingDisabled, tool, webSearchTool } from '@openai/agents';
import { z } from 'zod';
import { guardedTool, onlyGuarded } from './openai-agents';
import type { Guards } from './run';

setTracingDisabled(true);
const guards: Guards = { guard: () => () => Promise.reject(new Error('not called')) };
const options = { name: 'read_file', description: 'Reads a file', parameters: z.object({}), execute: () => 'text' };
const guarded = guardedTool(guards, { verb: 'file.read', resource: { type: 'file', id: 'a' } }, options);

describe('an agent of the OpenAI Agents SDK whose tools are all guarded', () => {
  it('has tools of guardedTool, and agents as tools', () => {
    const child = onlyGuarded(new Agent({ name: 'child', tools: [guarded] }));
    const asTool = child.asTool({ toolName: 'ask_child', toolDescription: 'Asks the child' });
    const agent = new Agent({ name: 'parent', tools: [guarded, asTool] });
    expect(onlyGuarded(agent, [asTool])).toBe(agent);
    expect(() => onlyGuarded(agent)).toThrow('the tool ask_child of the agent parent is not guarded');
  });

  it.each([
    ['a hosted tool', { tools: [guarded, webSearchTool()] }],
    ['a tool of the SDK itself', { tools: [tool(options)] }],
    ['a server of MCP', { mcpServers: [{ name: 'files' } as never] }],
  ])('is refused with %s, rather than left unguarded', (_, more) => {
    expect(() => onlyGuarded(new Agent({ name: 'parent', ...more }))).toThrow('is not guarded');
  });
});
