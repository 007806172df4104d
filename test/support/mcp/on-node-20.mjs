// Preload of @modelcontextprotocol/conformance: it imports fs.globSync, which Node 20 does not have, and no scenario that
// runs here calls it.
import { register } from 'node:module';

const shim = `export * from 'node:fs'; export const globSync = () => { throw new Error('globSync needs Node 22'); };`;
const url = `data:text/javascript,${encodeURIComponent(shim)}`;
register(
  `data:text/javascript,${encodeURIComponent(`
    export const resolve = (specifier, context, next) =>
      /^(node:)?fs$/.test(specifier) && context.parentURL?.includes('/@modelcontextprotocol/conformance/')
        ? { url: ${JSON.stringify(url)}, shortCircuit: true }
        : next(specifier, context);
  `)}`,
);
