// MCP: a guarded client in front of a server, with both lines of the SDK. The server is the official file server.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as ClientOfLine1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioOfLine1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { guardClient } from '@bailiwick/client/mcp';
import { leaseOf, openRun } from '@bailiwick/client/run';
import { connect, request } from './connect.mjs';

const workspace = mkdtempSync(join(tmpdir(), 'bailiwick-mcp-'));
for (const name of ['docs-intro.md', 'token.txt']) writeFileSync(join(workspace, name), `the text of ${name}`);
const server = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-filesystem/dist/index.js');
const stdio = { command: process.execPath, args: [server, workspace], stderr: 'ignore' };

/** The resource that a call names, relative to the workspace: leases are about names without a leading slash. */
const file = ({ path }) => ({ type: 'file', id: relative(workspace, path) });
const rules = {
  read_text_file: { verb: 'file.read', resource: file },
  write_file: { verb: 'file.write', resource: file },
};
const { grant: _, ...rest } = request('typo-fixer');
const run = await openRun(connect(), {
  ...rest,
  grant: {
    actions: { allow: ['file.read', 'file.write'] },
    resources: [{ type: 'file', match: 'docs-*' }],
    budget: { calls: 20, reads: 20, writes: 1 },
    delegation: { depth: 1, children: 2, classes: ['*'] },
  },
});

for (const [line, client, transport] of [
  ['SDK 1', new ClientOfLine1({ name: 'example', version: '1' }), new StdioOfLine1(stdio)],
  ['SDK 2', new Client({ name: 'example', version: '1' }), new StdioClientTransport(stdio)],
]) {
  await client.connect(transport);
  const guarded = guardClient(run, client, { rules });
  const { tools } = await guarded.listTools();
  console.log(`${line} lists ${tools.map(({ name }) => name).join(', ')}`);
  for (const name of ['docs-intro.md', 'token.txt']) {
    const { isError = false, content } = await guarded.callTool({
      name: 'read_text_file',
      arguments: { path: join(workspace, name) },
    });
    console.log(`${line} ${isError ? 'error' : 'result'}: ${content[0].text}`);
  }
  const undeclared = await guarded.callTool({ name: 'move_file', arguments: {} });
  console.log(`${line} ${undeclared.structuredContent.code}`);
  // a subagent gets a separate client, guarded by a child lease
  const text = await run.subagent(
    { agent: 'reader', task: 'Read the introduction', grant: leaseOf({ read: rules.read_text_file }) },
    async (child) => {
      const own = guardClient(child, client, { rules });
      const path = join(workspace, 'docs-x.md');
      return (await own.callTool({ name: 'write_file', arguments: { path, content: 'x' } })).content[0].text;
    },
  );
  console.log(`${line} subagent: ${text}`);
  await client.close();
}
await run.complete();
console.log(`tree ${run.treeId}`);
rmSync(workspace, { recursive: true });
