import tseslint from 'typescript-eslint';

const forbid = (message, ...selectors) => selectors.map((selector) => ({ selector, message }));
const WALL_CLOCK = forbid(
  'read the time from systemClock of @bailiwick/core/clock, or take it as a value',
  'MemberExpression[object.name="Date"]:matches([property.name="now"], [property.value="now"])',
  'VariableDeclarator[init.name="Date"]',
  'MemberExpression[object.name="globalThis"]:matches([property.name="Date"], [property.name="process"])',
  'NewExpression[callee.name="Date"][arguments.length=0]',
  'CallExpression[callee.name="Date"]',
);
const STOPWATCH = forbid(
  'a pure package takes every time as a value',
  'MemberExpression[object.name="performance"]',
  'MemberExpression[object.name="process"][property.name=/^(hrtime|uptime)$/]',
  ':matches(ImportDeclaration[source.value="@bailiwick/core/clock"], ImportDeclaration[source.value="./clock"]) > ImportNamespaceSpecifier',
  ':matches(ImportDeclaration[source.value="@bailiwick/core/clock"], ImportDeclaration[source.value="./clock"]) > ImportSpecifier[imported.name=/^(systemClock|monotonicClock|systemTimer)$/]',
);
const ENVIRONMENT = forbid(
  'settings come from readConfig of @bailiwick/platform/config',
  'MemberExpression[object.name="process"]:matches([property.name="env"], [property.value="env"])',
  'ImportDeclaration[source.value=/^(node:)?process$/]',
  'VariableDeclarator[init.name="process"] > ObjectPattern > Property[key.name="env"]',
);
const PURE = [
  'core',
  'contracts',
  'authority',
  'trajectory',
  'drift',
  'receipts',
  'transparency-log',
  'audit',
  'policy',
];
const TESTS = ['**/*.spec.ts', '**/*.contract.ts', '**/testing/**'];

export default tseslint.config(
  { ignores: ['**/dist/', 'node_modules/', '.bailiwick/', 'coverage/', '**/*.mjs', '**/*.cjs'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.json', './apps/console/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // messages may contain numbers and booleans
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Nest modules are classes without members
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // in product code, handle the undefined that `noUncheckedIndexedAccess` adds
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      // input may be forged and violate its type (I11)
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      // style: a method of a port may await nothing, `return stop()` is readable, a logger is not a class
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // the enums of the NATS client are strings on the wire
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      '@typescript-eslint/unified-signatures': 'off',
      'no-control-regex': 'off',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
    },
  },
  // The wall clock and the environment are read in the files named here, and nowhere else in the product.
  {
    files: ['apps/**/*.ts', 'libs/**/*.ts'],
    ignores: TESTS,
    rules: { 'no-restricted-syntax': ['error', ...WALL_CLOCK, ...ENVIRONMENT] },
  },
  {
    files: PURE.map((name) => `libs/${name}/**/*.ts`),
    ignores: TESTS,
    rules: { 'no-restricted-syntax': ['error', ...WALL_CLOCK, ...STOPWATCH, ...ENVIRONMENT] },
  },
  {
    files: ['libs/core/src/clock.ts', 'apps/console/src/clock.ts'],
    rules: { 'no-restricted-syntax': ['error', ...ENVIRONMENT] },
  },
  {
    files: [
      'libs/platform/src/config.ts',
      // finds and starts nats-server
      'libs/platform/src/local-servers/nats.ts',
      // the command line reads its defaults, and gives the services that it starts an environment
      'apps/cli/src/context.ts',
      'apps/cli/src/render.ts',
      'apps/cli/src/commands/deploying.ts',
      'apps/cli/src/commands/system.ts',
      'apps/cli/src/demo/receipt.ts',
      'apps/cli/src/up/deploy.ts',
      'apps/cli/src/up/migrate.ts',
      'apps/cli/src/up/supervisor.ts',
    ],
    rules: { 'no-restricted-syntax': ['error', ...WALL_CLOCK] },
  },
  {
    files: ['**/*.spec.ts', '**/testing/**', 'test/**'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
    },
  },
);
