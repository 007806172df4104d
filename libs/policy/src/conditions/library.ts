/* eslint-disable @typescript-eslint/no-require-imports */
import { setFlagsFromString } from 'node:v8';

type Cedar = typeof import('@cedar-policy/cedar-wasm/nodejs');

let loaded: Cedar | undefined;

/**
 * Loads Cedar on first use: it is 4 MB of WebAssembly, which a process without conditions does not need. Decisions are
 * made synchronously, so it cannot be imported asynchronously.
 */
export function cedar(): Cedar {
  if (loaded) return loaded;
  // V8 of Node 20 aborts the process ("unreachable code" in its deoptimizer) if code into which it has inlined a call of
  // WebAssembly is deoptimized during that call. Other calls of WebAssembly in the process are a little slower for it.
  setFlagsFromString('--no-turbo-inline-js-wasm-calls');
  loaded = require('@cedar-policy/cedar-wasm/nodejs') as Cedar;
  return loaded;
}
