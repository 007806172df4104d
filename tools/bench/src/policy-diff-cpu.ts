import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { readBody } from '@bailiwick/authority/state/set-aside';
import { emptyState } from '@bailiwick/authority/state/state';
import { candidateOf, type Candidate } from '@bailiwick/authority/what-if/candidate';
import { WhatIf } from '@bailiwick/authority/what-if/what-if';
import { canonicalize } from '@bailiwick/core/canonical';
import { judgeConditions } from '@bailiwick/policy/conditions/judge-conditions';
import { DEFAULT_BUNDLE, DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { decisionEvents } from './data/recorded';

/*
 * node --require ./test/support/register.cjs tools/bench/src/policy-diff-cpu.ts [DECISIONS]
 *
 * Measures the processor time of deciding DECISIONS recorded decisions (200000) and their outcomes again under another
 * bundle, as `policy diff` does: parsing of the stored events, rules and fold, without the database. Other processes on
 * the machine do not count, though they slow it down.
 */
const LOG = 'compared/0';
const RULES = { judge: judgeTrajectory, judgeConditions, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
const AT_ONCE = 20_000;
const BUNDLES = {
  default: DEFAULT_BUNDLE.value,
  same: { catalog: [{ match: ['file.read'], effects: ['read'], risk: 'low' }] },
  other: { catalog: [{ match: ['file.read'], effects: ['read', 'write'], risk: 'low' }] },
  asks: { catalog: [{ match: ['file.read'], effects: ['read'], risk: 'irreversible' }] },
};

/** Returns microseconds of processor time per decision. */
function measure(candidate: Candidate, decisions: number): { micros: number; differ: number } {
  const whatIf = new WhatIf(emptyState(LOG, 'compared', 0), { change: {} }, RULES, candidate);
  let micros = 0;
  let bodies: string[] = [];
  const replay = (): void => {
    const started = process.cpuUsage();
    for (const body of bodies) {
      const read = readBody(body);
      if (!read.ok) throw new Error('a stored event cannot be read');
      whatIf.take(read.value);
    }
    const { user, system } = process.cpuUsage(started);
    micros += user + system;
    bodies = [];
  };
  let position = 0;
  for (const event of decisionEvents(LOG, decisions)) {
    bodies.push(JSON.stringify({ ...event, position: position++ }));
    if (bodies.length === AT_ONCE) replay();
  }
  replay();
  const { decided, differ } = whatIf.end();
  if (decided < decisions) throw new Error(`only ${decided} decisions were decided again`);
  return { micros: micros / decided, differ };
}

const decisions = Number(process.argv[2] ?? 200_000);
for (const [name, bundle] of Object.entries(BUNDLES)) {
  const candidate = candidateOf(canonicalize(bundle));
  if (!candidate) throw new Error(`the bundle ${name} cannot be read`);
  const { micros, differ } = measure(candidate, decisions);
  console.log(`${name.padEnd(8)} ${micros.toFixed(1)} µs of CPU per decision; ${differ} of ${decisions} differ`);
}
