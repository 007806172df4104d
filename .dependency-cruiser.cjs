/** Imports point down only (ARCHITECTURE.md): core ← contracts ← pure libs ← event-store, messaging ← platform, edge ← apps ← tools. */
const PURE = 'authority|trajectory|drift|transparency-log|receipts|audit|policy';
const tests = { pathNot: '(\\.spec\\.ts|\\.contract\\.ts|/testing/)' };
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from: { ...tests, ...from }, to });

module.exports = {
  forbidden: [
    rule('no-cycles', 'modules must not import each other in a cycle', {}, { circular: true }),
    rule(
      'core-imports-nothing',
      'core imports no other package',
      { path: '^libs/core' },
      { path: '^(libs/(?!core)|apps)' },
    ),
    rule(
      'contracts-on-core',
      'contracts may import only core',
      { path: '^libs/contracts' },
      { path: '^(libs/(?!core|contracts)|apps)' },
    ),
    rule(
      'pure-libs-apart',
      'pure libs share only contracts; receipts may use transparency-log',
      { path: `^libs/(authority|drift|transparency-log)/` },
      { path: `^libs/(${PURE})/`, pathNot: '^libs/$1/' },
    ),
    rule(
      'trajectory-on-the-rules',
      'the judge of sequences uses the compiled rules of authority',
      { path: '^libs/trajectory' },
      { path: '^libs/(drift|transparency-log|receipts|audit|policy)/' },
    ),
    rule(
      'receipts-on-transparency-log',
      'receipts may use transparency-log and no other pure lib',
      { path: '^libs/receipts' },
      { path: '^libs/(authority|trajectory|drift|policy)/' },
    ),
    rule(
      'audit-on-the-rules',
      'the auditor may use the limits of one grant, the fold and the log format',
      { path: '^libs/audit' },
      { path: '^libs/(trajectory|drift|receipts|policy)/' },
    ),
    rule(
      'policy-on-the-rules',
      'a policy bundle is compiled for the rules of leases and of trajectories',
      { path: '^libs/policy' },
      { path: '^libs/(drift|transparency-log|receipts|audit)/' },
    ),
    rule(
      'pure-libs-do-no-io',
      'rules take values and return values',
      { path: `^libs/(core|contracts|${PURE})/` },
      { path: '^(libs/(event-store|messaging|platform|client|edge)|apps)' },
    ),
    rule(
      'pure-libs-no-packages',
      'rules import no package but zod; the verifier for the web hashes and verifies in JavaScript; bundles are YAML with Cedar',
      {
        path: `^libs/(core|contracts|${PURE})/`,
        pathNot: [tests.pathNot, '^libs/receipts/src/web/pure-crypto', '^libs/policy/src/(yaml/|conditions/library)'],
      },
      { path: 'node_modules/(?!zod)' },
    ),
    rule(
      'web-verifier-without-node',
      'the verifier for the web must load without Node: it reaches no built-in module of Node',
      { path: '^libs/receipts/src/web/' },
      {
        path: '^(node:)?(assert|buffer|child_process|crypto|events|fs|http|https|net|os|path|process|stream|tls|url|util|v8|vm|worker_threads|zlib)(/|$)',
        reachable: true,
      },
    ),
    rule(
      'pure-libs-no-builtins',
      'pure libs may use only the bytes, hashing and signing of Node; only the data of the policy package is read from files, and Cedar is loaded with a flag',
      {
        path: `^libs/(core|contracts|${PURE})/`,
        pathNot: [tests.pathNot, '^libs/policy/src/(default-(bundle|catalog)|vocabulary|conditions/library)'],
      },
      { dependencyTypes: ['core'], pathNot: '^(node:)?(buffer|crypto)$' },
    ),
    rule(
      'yaml-in-its-place',
      'yaml only where the files of a policy bundle are read',
      { pathNot: '^libs/policy/src/yaml/' },
      { path: 'node_modules/yaml/' },
    ),
    rule(
      'cedar-in-its-place',
      'Cedar is loaded on first use, by one file',
      { pathNot: '^(libs/policy/src/conditions/library|tools/)' },
      { path: 'node_modules/@cedar-policy/' },
    ),
    rule(
      'shells-below-platform',
      'event-store and messaging import no app and not each other',
      { path: '^libs/(event-store|messaging)/' },
      {
        path: `^(libs/(event-store|messaging|platform|client|edge|${PURE})|apps)/`,
        pathNot: '^libs/$1/',
      },
    ),
    rule('libs-below-apps', 'a library imports no app and no tool', { path: '^libs/' }, { path: '^(apps|tools)/' }),
    rule(
      'platform-apart',
      'platform imports neither edge nor client',
      { path: '^libs/platform/' },
      { path: '^libs/(edge|client)/' },
    ),
    rule(
      'edge-on-the-bus',
      'edge may import only contracts, core, messaging and policy',
      { path: '^libs/edge/' },
      { path: '^libs/(?!edge|contracts|core|messaging|policy)' },
    ),
    rule(
      'client-is-thin',
      'the client may import only contracts and core',
      { path: '^libs/client' },
      { path: '^(libs/(?!client|contracts|core)|apps)' },
    ),
    rule('apps-apart', 'apps never import apps', { path: '^apps/([^/]+)/' }, { path: '^apps/', pathNot: '^apps/$1/' }),
    rule('tools-on-top', 'the product never imports a tool', { path: '^(libs|apps)/' }, { path: '^tools/' }),
    rule(
      'tools-on-the-cli',
      'a tool may use the libraries and the command line, which starts the system',
      { path: '^tools/' },
      { path: '^apps/(?!cli/)' },
    ),
    {
      name: 'declared-dependencies',
      comment: 'a package imports only what its own package.json lists',
      severity: 'error',
      from: { ...tests, path: '^(libs|apps|tools)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    rule(
      'sql-in-its-place',
      'pg and typeorm only in the event log, in the ledger and intent stores, and in the baseline of the benchmarks',
      { pathNot: '^(libs/event-store/|apps/(ledger|intent)/|tools/bench/src/data/raw-events|test/|.*\\.spec\\.ts)' },
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
      extensions: ['.ts', '.tsx', '.js', '.d.ts'],
    },
  },
};
