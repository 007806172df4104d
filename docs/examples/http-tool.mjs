// An HTTP API behind the boundary, and an agent that calls it with fetch. The API is a few lines on the port 8470.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BailiwickClient } from '@bailiwick/client/client';
import { openRun } from '@bailiwick/client/run';

const api = createServer((request, response) => {
  console.log(`  the API got ${request.method} ${request.url} with the key ${request.headers['x-api-key']}`);
  response.setHeader('content-type', 'application/json').end('{"id":"7","name":"Ann"}');
});
await new Promise((resolve) => api.listen(8470, '127.0.0.1', resolve));

const dataDir = process.env.BAILIWICK_DATA ?? '.bailiwick';
const { url, keys } = JSON.parse(readFileSync(join(dataDir, 'credentials.json'), 'utf8'));
const { boundary } = JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8'));

const run = await openRun(new BailiwickClient({ url, key: keys.orchestrator }), {
  agent: 'support',
  requestedBy: 'user:ada@example.com',
  purpose: 'Answer the question of customer 7',
  grant: {
    actions: { allow: ['crm.*'] },
    resources: [{ type: 'customers', match: '7' }],
    budget: { calls: 20, reads: 20, writes: 5 },
    risk: { ceiling: 'high', approvalFrom: 'high' },
  },
});

/** The agent has the token of its run, and no key of the API. */
async function call(method, path) {
  console.log(`${method} ${path}`);
  const answer = await fetch(`${boundary}/http/crm${path}`, {
    method,
    headers: { authorization: `Bearer ${run.token}` },
  });
  const { name, code } = await answer.json();
  console.log(`  ${answer.status} ${name ?? code}`);
}

await call('GET', '/customers/7');
await call('GET', '/customers/8');
await call('DELETE', '/customers/7');
await call('GET', '/orders');
await call('GET', '/customers/8%2f..%2f7');

await run.complete();
api.close();
api.closeAllConnections();
