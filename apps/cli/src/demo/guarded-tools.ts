import { createHash } from 'node:crypto';
import { join, relative } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { BailiwickClient } from '@bailiwick/client/client';
import type { ActionAnswer, ActionRequest } from '@bailiwick/contracts/actions/action';

/** The result of a guarded call: the output of the tool, or the decision that prevented the call. */
export type CallResult = { done: true; text: string; decision: ActionAnswer } | { done: false; decision: ActionAnswer };

type Described = Pick<ActionRequest, 'action' | 'resource'> & { filesChanged?: string[] };

/** Maps each tool of the MCP filesystem server to an action on a resource. */
const TOOLS: Record<string, (path: string, args: Record<string, unknown>) => Described> = {
  list_directory: (path, args) => ({
    action: { verb: 'file.list', effect: 'read', args },
    resource: { type: 'file', id: path },
  }),
  read_text_file: (path, args) => ({ action: { verb: 'file.read', args }, resource: { type: 'file', id: path } }),
  search_files: (path, args) => ({ action: { verb: 'file.search', args }, resource: { type: 'file', id: path } }),
  write_file: (path, args) => ({
    action: { verb: 'file.write', effect: 'write', args },
    resource: { type: 'file', id: path },
    filesChanged: [path],
  }),
};

/**
 * An enforcement point in front of a real MCP filesystem server: it obtains a decision before each tool call and reports
 * the outcome. It holds the only connection to the server; the agents have none.
 */
export class GuardedTools {
  private constructor(
    private readonly mcp: Client,
    /** the workspace, absolute */
    readonly directory: string,
  ) {}

  static async start(root: string): Promise<GuardedTools> {
    const mcp = new Client({ name: 'bailiwick-demo', version: '1' });
    const server = require.resolve('@modelcontextprotocol/server-filesystem/dist/index.js');
    await mcp.connect(new StdioClientTransport({ command: process.execPath, args: [server, root], stderr: 'ignore' }));
    return new GuardedTools(mcp, root);
  }

  async toolNames(): Promise<string[]> {
    return (await this.mcp.listTools()).tools.map((tool) => tool.name);
  }

  /** Decides, performs and settles a tool call of an agent. `path` is relative to the workspace. */
  async call(
    agent: BailiwickClient,
    grantId: string,
    tool: string,
    path: string,
    args: Record<string, unknown> = {},
    approvalId?: string,
  ): Promise<CallResult> {
    const describe = TOOLS[tool];
    if (!describe) throw new Error(`tool ${tool} is not part of the demo`);
    const id = relative(this.directory, join(this.directory, path)) || 'workspace';
    const { filesChanged, ...described } = describe(id, { path, ...args });
    const decision = await agent.act({
      grantId,
      ...described,
      action: { ...described.action, tool },
      ...(approvalId ? { approvalId } : {}),
    });
    if (decision.decision !== 'permit') return { done: false, decision };
    const result = await this.mcp.callTool({ name: tool, arguments: { path: join(this.directory, path), ...args } });
    const text = (result.content as { type: string; text?: string }[]).map((part) => part.text ?? '').join('\n');
    await agent.settle(decision.actionId, {
      status: result.isError ? 'failed' : 'completed',
      resultDigest: `sha256:${createHash('sha256').update(text).digest('hex')}`,
      preview: text.slice(0, 200),
      effects: { resources: [id], ...(filesChanged ? { filesChanged } : {}) },
    });
    return { done: true, text, decision };
  }

  async stop(): Promise<void> {
    await this.mcp.close();
  }
}
