#!/usr/bin/env -S node --conditions=built
// The command line; built by `npm start`, `npm test` or `npm run build`.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../apps/cli/dist/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  console.error('bailiwick is not built yet: run `npm start` (or `npm install && npm run build`) first');
  process.exit(2);
}
await import(main.href);
