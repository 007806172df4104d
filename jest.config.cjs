/** Jest transforms TypeScript, and the packages that ship only ES modules (named below). */
const esmOnly = ['jose', '@modelcontextprotocol', '@noble'];
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  moduleNameMapper: {
    '^#(kernel|contracts|authority|trajectory|drift|tlog|receipts|audit|eventlog|bus|platform|client)/(.*)$':
      '<rootDir>/libs/$1/$2',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: { '^.+\\.(t|j|mj)s$': '@swc/jest' },
  transformIgnorePatterns: [`/node_modules/(?!(${esmOnly.join('|')})/)`],
  testTimeout: 90000,
};
