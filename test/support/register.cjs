// Lets a plain `node` process load TypeScript sources, as jest does: a child process of a test, or a command such as
// `npm run chaos`.
const { transformSync } = require('@swc/core');
const { readFileSync } = require('node:fs');

/** A hook that can change a source before it is loaded; mutation tests use it to break a rule. */
const sources = { change: (_filename, source) => source };
module.exports = sources;

const compiled = new Map();
require.extensions['.ts'] = (module, filename) => {
  const source = sources.change(filename, readFileSync(filename, 'utf8'));
  if (!compiled.has(source)) compiled.set(source, compile(filename, source));
  module._compile(compiled.get(source), filename);
};

function compile(filename, source) {
  return transformSync(source, {
    filename,
    sourceMaps: 'inline',
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  }).code;
}
