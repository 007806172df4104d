// An MCP server over HTTP with one tool, which does as little as possible: `node mcp-echo.mjs PORT`.
import { createServer } from 'node:http';

const port = Number(process.argv[2]);
const inputSchema = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
const text = JSON.stringify({ content: [{ type: 'text', text: 'x'.repeat(1_000) }] });
const results = {
  initialize: JSON.stringify({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'echo', version: '1' },
  }),
  'tools/list': JSON.stringify({ tools: [{ name: 'read', description: 'Reads a file.', inputSchema }] }),
};
let calls = 0;

createServer((request, response) => {
  // the number of calls so far
  if (request.method !== 'POST') return response.end(String(calls));
  const parts = [];
  request.on('data', (chunk) => parts.push(chunk));
  request.on('end', () => {
    const { id, method } = JSON.parse(Buffer.concat(parts).toString());
    if (id === undefined) return response.writeHead(202).end();
    if (method === 'tools/call') calls += 1;
    const body = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${results[method] ?? text}}`;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
    return response.end(body);
  });
  return undefined;
}).listen(port, '127.0.0.1');
