/** An edit of the sources that reverts the fix of a field case, and the tests that must then fail. */
export interface Undone {
  /** the number in docs/field-cases.md */
  readonly number: string;
  readonly what: string;
  readonly file: string;
  /** occurs exactly once in the file */
  readonly find: string;
  readonly replace: string;
  readonly spec: string;
}

export const UNDONE: readonly Undone[] = [
  {
    number: '13.12',
    what: "a run's own token reads the whole tree",
    file: 'apps/gateway/src/auth/own-branch.ts',
    find: 'const branch = new Set([runId]);',
    replace: 'const branch = new Set(runs.map(({ id }) => id));',
    spec: 'apps/gateway/src/auth/own-branch.spec.ts',
  },
  {
    number: '13.14',
    what: 'all responses of one message wait for the slowest',
    file: 'apps/delegation/src/log-owner/batching/reply.ts',
    find: '    if (this.isDue) return;',
    replace: '    if (this.left > 0) return;',
    spec: 'apps/delegation/src/log-owner/batching/reply.spec.ts',
  },
  {
    number: '13.15',
    what: 'a preview is counted in one step',
    file: 'apps/delegation/src/queries/walks.ts',
    find: 'const piece = pieces.next();',
    replace: 'let piece = pieces.next(); while (!piece.done) piece = pieces.next();',
    spec: 'apps/delegation/src/queries/walks.spec.ts',
  },
  {
    number: '13.18',
    what: 'queries to a silent database have no time limit',
    file: 'libs/event-store/src/postgres/waits.ts',
    find: '  query_timeout: statementMs,',
    replace: '  query_timeout: 0,',
    spec: 'test/integration/database-waits.spec.ts',
  },
  {
    number: '13.19',
    what: 'the clock of a suspended machine is trusted',
    file: 'apps/delegation/src/ownership/leases.ts',
    find: 'return Math.max(this.options.clock.now() - this.beaten.clock, wall < 0 ? Infinity : wall);',
    replace: 'return wall === Infinity ? 0 : this.options.clock.now() - this.beaten.clock;',
    spec: 'apps/delegation/src/ownership/leases.spec.ts',
  },
  {
    number: '13.20',
    what: 'keys of tenants are written without a lock',
    file: 'libs/platform/src/change-file.ts',
    find: "{ flag: 'wx', mode: 0o600 }",
    replace: "{ flag: 'w', mode: 0o600 }",
    spec: 'apps/gateway/src/auth/api-keys.spec.ts',
  },
  {
    number: '13.21',
    what: 'a tenant with few proofs is refused because of one with many',
    file: 'libs/core/src/proof-memory.ts',
    find: '    if (mine < LIMITS.dpopProofsAssured) return true;\n',
    replace: '',
    spec: 'libs/core/src/proof-memory.spec.ts',
  },
  {
    number: '13.23',
    what: 'an imported lease keeps its authority',
    file: 'apps/delegation/src/imports/import-closing.ts',
    find: 'if (!live) fresh.push(',
    replace: 'if (live) fresh.push(',
    spec: 'apps/delegation/src/imports/import-closing.spec.ts',
  },
  {
    number: '13.24',
    what: 'a part of another receipt is accepted',
    file: 'libs/receipts/src/web/parts.ts',
    find: 'need(root === all.root && parts === all.parts.length,',
    replace: 'need(root !== undefined && parts === all.parts.length,',
    spec: 'libs/receipts/src/web/parts.spec.ts',
  },
  {
    number: '13.25',
    what: 'matching patterns has no work limit',
    file: 'libs/authority/src/matching/inclusion.ts',
    find: '      work.left -= cost;\n',
    replace: '',
    spec: 'libs/authority/src/matching/intricate.spec.ts',
  },
  {
    number: '13.27',
    what: 'a receipt does not name who stated the person',
    file: 'libs/receipts/src/summary.ts',
    find: 'return root === undefined ? {} : { requestedByStatedBy: root.actor.id };',
    replace: 'return root !== undefined ? {} : { requestedByStatedBy: "" };',
    spec: 'libs/receipts/src/stated-by.spec.ts',
  },
  {
    number: '13.28',
    what: 'a proof without an address is accepted for a request without one',
    file: 'libs/edge/src/tokens/addresses.ts',
    find: "return asked !== undefined && typeof htu === 'string' && bare(htu) === asked;",
    replace: "return typeof htu === 'string' && bare(htu) === asked;",
    spec: 'apps/gateway/src/auth/dpop-proofs.spec.ts',
  },
  {
    number: '13.29',
    what: 'a statement with a duplicate member verifies',
    file: 'libs/receipts/src/web/verify-steps.ts',
    find: "const wrong = ambiguityIn(text ?? '');",
    replace: 'const wrong: string | undefined = undefined;',
    spec: 'libs/receipts/src/duplicates.spec.ts',
  },
];
