// An MCP server over HTTP that can be killed: `node recording-upstream.mjs PORT FILE`. It appends the id of each call to
// FILE before it answers.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);
const inputSchema = { type: 'object', properties: { id: { type: 'string' } }, required: ['id'] };
const tools = ['note_read', 'note_drop'].map((name) => ({ name, description: `Does ${name}.`, inputSchema }));

function resultOf({ method, params }) {
  if (method === 'initialize')
    return {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'recording', version: '1' },
    };
  if (method === 'tools/list') return { tools };
  appendFileSync(file, `${params.arguments.id}\n`);
  return { content: [{ type: 'text', text: params.arguments.id }] };
}

createServer((request, response) => {
  let text = '';
  request.on('data', (chunk) => (text += chunk));
  request.on('end', () => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    const message = JSON.parse(text);
    if (message.id === undefined) return response.writeHead(202).end();
    response.writeHead(200, { 'content-type': 'application/json' });
    // a kill finds calls that are recorded and not answered yet
    const answer = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: resultOf(message) });
    return setTimeout(() => response.end(answer), message.method === 'tools/call' ? 5 : 0);
  });
}).listen(Number(port), '127.0.0.1', () => process.send?.('listening'));
