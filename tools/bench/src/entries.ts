import { decide } from '@bailiwick/authority/commands/decide';
import { evolve } from '@bailiwick/authority/events/evolve';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { sealAll } from '@bailiwick/authority/commands/seal';
import { emptyState } from '@bailiwick/authority/state/state';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { PermissionsLimit } from '@bailiwick/contracts/grants/grant';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { Report } from './report/report';
import { byTurns, type Measure } from './report/rounds';

const LOG = 'default/0';
const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const RULES = { judge: judgeTrajectory, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
const REF = `ref_${'0'.repeat(26)}`;
const CALLS = 2_048;
const ENTRIES = 50;
const MUCH = 1_000_000_000;
const ROUNDS = 3;

/** The forms in which a lease has fifty permissions; the last entry admits the calls. */
const FORMS: Record<string, (i: number) => PermissionsLimit[number]> = {
  verbs: (i) => entry(i === 0 ? 'file.read' : `file.verb${i}`, 'repo/src/**'),
  folders: (i) => entry('file.read', i === 0 ? 'repo/src/**' : `repo/p${i}/**`),
  caps: (i) => ({ ...entry('file.read', i === 0 ? 'repo/src/**' : `repo/p${i}/**`), calls: MUCH }),
};
const entry = (verb: string, match: string) => ({ actions: [verb], resources: [{ type: 'file', match }] });

/** Compares the time of a decision under fifty permissions with that under one: the rules alone, without storing. */
export async function benchEntryCounts(report: Report, rounds: number): Promise<void> {
  for (const [form, make] of Object.entries(FORMS)) {
    const list = (count: number): PermissionsLimit => Array.from({ length: count }, (_, i) => make(i)).reverse();
    const figures = await byTurns({ fifty: decisions(list(ENTRIES)), one: decisions(list(1)) }, rounds, ROUNDS);
    report.against(`decide.${form}50`, 'µs', 'one-entry', figures.fifty, figures.one);
  }
}

/** Returns the microseconds per decision, all of which are permits. */
function decisions(permissions: PermissionsLimit): Measure {
  const state = emptyState(LOG, 'default', 0);
  const actor = { kind: 'service', id: 'key:bench' };
  const command = (i: number, fields: object): Command =>
    ({ log: LOG, commandId: `cmd_${String(i).padStart(8, '0')}`, actor, ...fields }) as Command;
  const budget = { calls: MUCH, reads: MUCH };
  const opening = command(0, {
    type: 'openRun',
    agent: { class: 'worker' },
    principalRef: REF,
    purposeRef: REF,
    grant: { permissions, budget },
  });
  const opened = decide(state, opening, NOW, RULES);
  const sealed = opened.ok ? sealAll(state, opening, NOW, opened.value) : opened;
  if (!sealed.ok) throw new Error(`the lease was refused: ${sealed.error.detail}`);
  for (const { event } of sealed.value) evolve(state, event);
  const grantId = sealed.value.find(({ event }) => event.type === 'GrantIssued')?.event.grantId;
  const calls = Array.from({ length: CALLS }, (_, i) =>
    command(i + 1, {
      type: 'authorize',
      grantId,
      action: { verb: 'file.read', argsDigest: `sha256:${'0'.repeat(64)}` },
      resource: { type: 'file', id: `repo/src/f${i % 512}.ts` },
      proof: { vouched: true },
    }),
  );
  return () => {
    const started = performance.now();
    for (const call of calls) {
      const decided = decide(state, call, NOW, RULES);
      if (!decided.ok || decided.value[0]?.type !== 'ActionPermitted') throw new Error('a call was not permitted');
    }
    return Promise.resolve(((performance.now() - started) / CALLS) * 1_000);
  };
}
