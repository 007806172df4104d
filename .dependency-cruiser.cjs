/** Imports point down only (ARCHITECTURE.md): core ← contracts ← pure libs ← event-store, messaging ← platform ← apps. */
const PURE = 'authority|trajectory|drift|transparency-log|receipts|audit';
const tests = { pathNot: '(\\.spec\\.ts|\\.contract\\.ts|/testing/)' };
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from: { ...tests, ...from }, to });

module.exports = {
  forbidden: [
    rule('no-cycles', 'a cycle means a missing event', {}, { circular: true }),
    rule(
      'core-imports-nothing',
      'core imports no other package',
      { path: '^libs/core' },
      { path: '^(libs/(?!core)|apps)' },
    ),
    rule(
      'contracts-on-core',
      'contracts know only the core',
      { path: '^libs/contracts' },
      { path: '^(libs/(?!core|contracts)|apps)' },
    ),
    rule(
      'pure-libs-apart',
      'pure libs meet only in contracts; receipts may use transparency-log',
      { path: `^libs/(authority|trajectory|drift|transparency-log)/` },
      { path: `^libs/(${PURE})/`, pathNot: '^libs/$1/' },
    ),
    rule(
      'receipts-on-transparency-log',
      'receipts may use transparency-log and no other pure lib',
      { path: '^libs/receipts' },
      { path: '^libs/(authority|trajectory|drift)/' },
    ),
    rule(
      'audit-on-the-rules',
      'the auditor may use what one grant admits, the fold and the log format',
      { path: '^libs/audit' },
      { path: '^libs/(trajectory|drift|receipts)/' },
    ),
    rule(
      'pure-libs-do-no-io',
      'rules take values and return values',
      { path: `^libs/(core|contracts|${PURE})/` },
      { path: '^(libs/(event-store|messaging|platform|client)|apps)' },
    ),
    rule(
      'pure-libs-no-packages',
      'rules import no package but zod; the verifier for the web hashes and verifies in JavaScript',
      { path: `^libs/(core|contracts|${PURE})/`, pathNot: [tests.pathNot, '^libs/receipts/src/web/pure-crypto'] },
      { path: 'node_modules/(?!zod)' },
    ),
    rule(
      'web-verifier-without-node',
      'the verifier for the web must load where there is no Node: nothing that it reaches is a built-in of Node',
      { path: '^libs/receipts/src/web/' },
      {
        path: '^(node:)?(assert|buffer|child_process|crypto|events|fs|http|https|net|os|path|process|stream|tls|url|util|v8|vm|worker_threads|zlib)(/|$)',
        reachable: true,
      },
    ),
    rule(
      'pure-libs-no-builtins',
      'of Node only bytes, hashing and signing',
      { path: `^libs/(core|contracts|${PURE})/` },
      { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto)$' },
    ),
    rule(
      'shells-below-platform',
      'event-store and messaging know no app and not each other',
      { path: '^libs/(event-store|messaging)/' },
      {
        path: '^(libs/(event-store|messaging|platform|client|authority|trajectory|drift|transparency-log|receipts|audit)|apps)/',
        pathNot: '^libs/$1/',
      },
    ),
    rule('platform-below-apps', 'platform knows no app', { path: '^libs/platform' }, { path: '^apps' }),
    rule(
      'client-is-thin',
      'the client knows the contract and nothing behind it',
      { path: '^libs/client' },
      { path: '^(libs/(?!client|contracts|core)|apps)' },
    ),
    rule('apps-apart', 'apps never import apps', { path: '^apps/([^/]+)/' }, { path: '^apps/', pathNot: '^apps/$1/' }),
    {
      name: 'declared-dependencies',
      comment: 'a package imports only what its own package.json lists',
      severity: 'error',
      from: { ...tests, path: '^(libs|apps)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    rule(
      'sql-in-its-place',
      'pg and typeorm only in the event log and in the ledger and intent stores',
      { pathNot: '^(libs/event-store/|apps/(ledger|intent)/|test/|.*\\.spec\\.ts)' },
      { path: 'node_modules/(@types/)?(pg|typeorm)/' },
    ),
    rule(
      'nats-in-its-place',
      'nats only in libs/messaging',
      { pathNot: '^libs/messaging/' },
      { path: 'node_modules/nats/' },
    ),
    rule(
      'nest-in-its-place',
      'Nest only in platform, messaging and apps',
      { pathNot: '^(libs/(platform|messaging)/|apps/)' },
      { path: 'node_modules/@nestjs/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '/dist/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
};
