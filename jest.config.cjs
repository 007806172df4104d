/** Jest transforms TypeScript, and the packages that ship only ES modules (named below). */
const esmOnly = ['jose', 'openid-client', 'oauth4webapi', '@modelcontextprotocol', '@noble'];
const common = {
  rootDir: __dirname,
  testEnvironment: 'node',
  transform: { '^.+\\.(t|j|mj)s$': '@swc/jest' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
};
module.exports = {
  testSequencer: '<rootDir>/test/support/slowest-first.cjs',
  testTimeout: 90000, // of all projects; Jest ignores it in a project
  projects: [
    {
      ...common,
      roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/tools', '<rootDir>/test'],
      testMatch: ['**/*.spec.ts'],
    },
    // again with the fast path of the gateway turned off: what it reads itself. test/http/fast-path compares both paths for
    // every route, with bad requests as well
    {
      ...common,
      displayName: 'fast path off',
      roots: ['<rootDir>/apps/gateway/src/http', '<rootDir>/test/http'],
      testMatch: ['<rootDir>/test/http/bad-paths.spec.ts', '**/incoming-bodies.spec.ts'],
      setupFiles: ['<rootDir>/test/support/fast-path-off.cjs'],
    },
  ],
};
