/** Imports point down only (ARCHITECTURE.md): kernel ← contracts ← pure libs ← eventlog, bus ← platform ← apps. */
const PURE = 'authority|trajectory|drift|tlog|receipts|audit';
const tests = { pathNot: '(\\.spec\\.ts|\\.contract\\.ts|/testing/)' };
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from: { ...tests, ...from }, to });

module.exports = {
  forbidden: [
    rule('no-cycles', 'a cycle means a missing event', {}, { circular: true }),
    rule(
      'kernel-imports-nothing',
      'the kernel knows nobody',
      { path: '^libs/kernel' },
      { path: '^(libs/(?!kernel)|apps)' },
    ),
    rule(
      'contracts-on-kernel',
      'contracts know only the kernel',
      { path: '^libs/contracts' },
      { path: '^(libs/(?!kernel|contracts)|apps)' },
    ),
    rule(
      'pure-libs-apart',
      'pure libs meet only in contracts; receipts may use tlog',
      { path: `^libs/(authority|trajectory|drift|tlog)/` },
      { path: `^libs/(${PURE})/`, pathNot: '^libs/$1/' },
    ),
    rule(
      'receipts-on-tlog',
      'receipts may use tlog and no other pure lib',
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
      { path: `^libs/(kernel|contracts|${PURE})/` },
      { path: '^(libs/(eventlog|bus|platform|client)|apps)' },
    ),
    rule(
      'pure-libs-no-packages',
      'rules import no package but zod; the verifier for the web hashes and verifies in JavaScript',
      { path: `^libs/(kernel|contracts|${PURE})/`, pathNot: [tests.pathNot, '^libs/receipts/web/pure-crypto'] },
      { path: 'node_modules/(?!zod)' },
    ),
    rule(
      'web-verifier-without-node',
      'the verifier for the web must load where there is no Node: nothing that it reaches is a built-in of Node',
      { path: '^libs/receipts/web/' },
      {
        path: '^(node:)?(assert|buffer|child_process|crypto|events|fs|http|https|net|os|path|process|stream|tls|url|util|v8|vm|worker_threads|zlib)(/|$)',
        reachable: true,
      },
    ),
    rule(
      'pure-libs-no-builtins',
      'of Node only bytes, hashing and signing',
      { path: `^libs/(kernel|contracts|${PURE})/` },
      { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto)$' },
    ),
    rule(
      'shells-below-platform',
      'eventlog and bus know no app and not each other',
      { path: '^libs/(eventlog|bus)/' },
      {
        path: '^(libs/(eventlog|bus|platform|client|authority|trajectory|drift|tlog|receipts|audit)|apps)/',
        pathNot: '^libs/$1/',
      },
    ),
    rule('platform-below-apps', 'platform knows no app', { path: '^libs/platform' }, { path: '^apps' }),
    rule(
      'client-is-thin',
      'the client knows the contract and nothing behind it',
      { path: '^libs/client' },
      { path: '^(libs/(?!client|contracts|kernel)|apps)' },
    ),
    rule('apps-apart', 'apps never import apps', { path: '^apps/([^/]+)/' }, { path: '^apps/', pathNot: '^apps/$1/' }),
    rule(
      'sql-in-its-place',
      'pg and typeorm only in the event log and in the ledger and intent stores',
      { pathNot: '^(libs/eventlog/|apps/(ledger|intent)/|test/|.*\\.spec\\.ts)' },
      { path: 'node_modules/(@types/)?(pg|typeorm)/' },
    ),
    rule('nats-in-its-place', 'nats only in libs/bus', { pathNot: '^libs/bus/' }, { path: 'node_modules/nats/' }),
    rule(
      'nest-in-its-place',
      'Nest only in platform, bus and apps',
      { pathNot: '^(libs/(platform|bus)/|apps/)' },
      { path: 'node_modules/@nestjs/' },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.depcruise.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.d.ts'],
    },
  },
};
