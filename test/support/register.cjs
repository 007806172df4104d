// Lets a plain `node` process load our TypeScript from its sources, as jest does: a child of a test, or a command such as
// `npm run chaos`.
const { transformSync } = require('@swc/core');
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const { resolve } = require('node:path');

const root = resolve(__dirname, '..', '..');
const find = Module._resolveFilename;
Module._resolveFilename = function (name, ...rest) {
  const at = name.startsWith('#') ? resolve(root, 'libs', name.slice(1)) : name;
  return find.call(this, at, ...rest);
};

require.extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    sourceMaps: 'inline',
    module: { type: 'commonjs' },
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
    },
  });
  module._compile(code, filename);
};
