import { decide } from '@bailiwick/authority/commands/decide';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { sealAll } from '@bailiwick/authority/commands/seal';
import { evolve } from '@bailiwick/authority/events/evolve';
import { emptyState } from '@bailiwick/authority/state/state';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { Event } from '@bailiwick/contracts/events/event';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { canonicalize } from '@bailiwick/core/canonical';
import { deriveId } from '@bailiwick/core/derive-id';
import { sha256hex } from '@bailiwick/core/digest';
import { DEFAULT_BUNDLE, DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';

/*
 * node --require ./test/support/register.cjs tools/bench/src/narrowing.ts [LEASES]
 *
 * Measures how long a deployment that narrows LEASES live leases (1000000) takes to its first denied decision, and what
 * manifests add to a decision: the rules and the fold alone, in memory. A commit and the transport come on top, as for
 * any command.
 */
const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const RULES = { judge: judgeTrajectory, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
const REF = `ref_${'0'.repeat(26)}`;
const DECISIONS = 20_000;
const ROUNDS = 21;

const state = emptyState('default/0', 'default', 0);
let commands = 0;

/** Decides and folds a command, as the owner of a log does. */
function submit(type: string, fields: object): Event[] {
  commands += 1;
  const commandId = `cmd_${String(commands).padStart(8, '0')}`;
  const command = {
    log: 'default/0',
    commandId,
    actor: { kind: 'service', id: 'key:bench' },
    type,
    ...fields,
  } as Command;
  const decided = decide(state, command, NOW, RULES);
  const sealed = decided.ok ? sealAll(state, command, NOW, decided.value) : decided;
  if (!sealed.ok) throw new Error(`${type} is refused: ${sealed.error.detail}`);
  const events = sealed.value.map(({ event }) => event);
  for (const event of events) evolve(state, event);
  return events;
}

function deploy(agents: PolicyBundle['agents']): Event[] {
  const bundle = canonicalize({ ...DEFAULT_BUNDLE.value, ...(agents ? { agents } : {}) });
  return submit('deployPolicy', { replaces: state.policies.version, digest: `sha256:${sha256hex(bundle)}`, bundle });
}

/** Adds live leases like the first one to the state. */
function fill(leases: number): string[] {
  const budget = { calls: 1_000_000, reads: 1_000_000 };
  const grant = { actions: { allow: ['file.*'] }, resources: [{ type: 'file', match: '**' }], budget };
  submit('openRun', { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant });
  const [[first], [run]] = [[...state.grants.values()], [...state.runs.values()]];
  if (!first || !run) throw new Error('no lease was issued');
  return Array.from({ length: leases }, (_, i) => {
    const own = { grantId: deriveId('grant', 0, `bench ${i}`), runId: deriveId('run', 0, `bench ${i}`) };
    state.runs.set(own.runId, { ...run, id: own.runId, grantId: own.grantId });
    state.grants.set(own.grantId, { ...first, id: own.grantId, runId: own.runId, usage: structuredClone(first.usage) });
    return own.grantId;
  });
}

const read = (grantId: string): string | undefined =>
  submit('authorize', {
    grantId,
    action: { verb: 'file.read', argsDigest: `sha256:${'0'.repeat(64)}` },
    resource: { type: 'file', id: 'a/b' },
    proof: { vouched: true },
  })[0]?.type;

/** Returns the microseconds per decision, each under another lease. */
function decisions(grants: readonly string[]): string {
  const started = performance.now();
  for (let i = 0; i < DECISIONS; i++) read(grants[(i * 7_919) % grants.length] as string);
  return `${(((performance.now() - started) / DECISIONS) * 1_000).toFixed(1)} µs`;
}

const grants = fill(Number(process.argv[2] ?? 1_000_000));
const WIDE: PolicyBundle['agents'] = [
  { class: 'worker', owner: 'bench', most: { actions: { allow: ['file.*'] }, budget: { calls: 1_000_000 } } },
];
decisions(grants);
console.log(`leases                     ${grants.length}`);
deploy(undefined);
console.log(`decision without manifests ${decisions(grants)}`);
deploy(WIDE);
console.log(`decision with a manifest   ${decisions(grants)}`);
/** Deploys a narrower manifest, and then a wider one again. Returns the ms of the deployment, and from it to a denial. */
function narrowOnce(i: number): readonly [deployed: number, denied: number, events: number] {
  const started = performance.now();
  const events = deploy([{ class: 'worker', owner: 'bench', most: { actions: { allow: ['email.*'] } } }]);
  const folded = performance.now();
  if (read(grants[(i * 7_919) % grants.length] as string) !== 'ActionDenied')
    throw new Error('the call was not denied');
  const denied = performance.now();
  deploy(WIDE);
  return [folded - started, denied - folded, events.length];
}
const rounds = Array.from({ length: ROUNDS }, (_, i) => narrowOnce(i));
const median = (which: 0 | 1): string =>
  `${(rounds.map((each) => each[which]).sort((a, b) => a - b)[ROUNDS >> 1] as number).toFixed(1)} ms`;
console.log(`deployment                 ${median(0)}, ${rounds[0]?.[2]} events`);
console.log(`from there to a denial     ${median(1)}`);
