// What all examples share: the connection, and a small workspace that tools read and change.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BailiwickClient } from '@bailiwick/client/client';

/** A client with the key of an orchestrator: from the environment, or of the local installation. */
export function connect() {
  const { BAILIWICK_URL: url, BAILIWICK_KEY: key, BAILIWICK_DATA: data = '.bailiwick' } = process.env;
  if (url && key) return new BailiwickClient({ url, key });
  const local = JSON.parse(readFileSync(join(data, 'credentials.json'), 'utf8'));
  return new BailiwickClient({ url: local.url, key: local.keys.orchestrator });
}

export const files = new Map([
  ['docs/intro.md', 'Bailiwick gives every agent a leese for one task.'],
  ['secrets/token.txt', 'hunter2'],
]);

/** What the run may do: read everything in docs/, change what is in docs/drafts/, and delegate once. */
export const request = (agent) => ({
  agent,
  requestedBy: 'user:ada@example.com',
  purpose: 'Fix the typos in docs',
  grant: {
    permissions: [
      { actions: ['file.read'], resources: [{ type: 'file', match: 'docs/**' }] },
      { actions: ['file.write'], resources: [{ type: 'file', match: 'docs/drafts/**' }] },
    ],
    budget: { calls: 20, reads: 20, writes: 5 },
    time: { ttl: '10m', renewUntil: '1h' },
    delegation: { depth: 1, children: 2, classes: ['*'] },
  },
});

/** What each tool does: a verb, and the resource that its arguments name. */
export const rules = {
  read_file: { verb: 'file.read', resource: ({ path }) => ({ type: 'file', id: path }) },
  write_file: { verb: 'file.write', resource: ({ path }) => ({ type: 'file', id: path }) },
};

export const readFile = ({ path }) => files.get(path) ?? 'no such file';
export function writeFile({ path, text }) {
  files.set(path, text);
  return `wrote ${text.length} characters`;
}
