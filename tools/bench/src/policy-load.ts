import { decide } from '@bailiwick/authority/commands/decide';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { sealAll } from '@bailiwick/authority/commands/seal';
import type { Rules } from '@bailiwick/authority/commands/types';
import { evolve } from '@bailiwick/authority/events/evolve';
import { emptyState } from '@bailiwick/authority/state/state';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { Event } from '@bailiwick/contracts/events/event';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import type { PolicyRule } from '@bailiwick/contracts/policy/rule';
import { canonicalize } from '@bailiwick/core/canonical';
import { sha256hex } from '@bailiwick/core/digest';
import { judgeConditions } from '@bailiwick/policy/conditions/judge-conditions';
import { DEFAULT_BUNDLE, DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { Report } from './report/report';
import { byTurns, type Measure } from './report/rounds';

const NOW = Date.parse('2026-01-01T00:00:00.000Z');
const RULES: Rules = { judge: judgeTrajectory, judgeConditions, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
const REF = `ref_${'0'.repeat(26)}`;
const CALLS = 4_096;
const MUCH = 1_000_000_000_000;
const WARM_UP = 3;

/** The size of a bundle that a large tenant may have. */
export const LARGE = { entries: 500, rules: 100, conditions: 20 } as const;

/**
 * Compares decisions under a bundle of 500 catalog entries, 100 rules and 20 Cedar policies with those under the default
 * bundle: the rules and the fold alone, each call decided, sealed, folded and settled. Nothing is stored or sent.
 */
export async function benchPolicyLoad(report: Report, rounds: number): Promise<void> {
  report.note(`policy_load: ${LARGE.entries} entries, ${LARGE.rules} rules, ${LARGE.conditions} conditions`);
  for (const [metric, amounts] of Object.entries(AMOUNTS)) {
    const contenders = { large: decisions(amounts, largeBundle()), default: decisions(amounts) };
    const figures = await byTurns(contenders, rounds, WARM_UP);
    report.against(`decide.${metric}`, '1/s of CPU', 'default-bundle', figures.large, figures.default);
  }
}

/** How many amounts the calls state, which the conditions read: the answer to a call of the same amount is known. */
const AMOUNTS = { policy_load: 100, policy_load_distinct: 10_000_000 } as const;

/** Half of the rules and a quarter of the conditions are about the calls of the benchmark, or about every call. */
export function largeBundle(): PolicyBundle {
  return {
    catalog: [
      ...(DEFAULT_BUNDLE.value.catalog ?? []),
      ...times(LARGE.entries - (DEFAULT_BUNDLE.value.catalog ?? []).length, (i) => ({
        match: [`system${i}.export`],
        effects: ['read' as const],
        risk: 'low' as const,
        words: `export from system ${i}`,
      })),
    ],
    rules: [
      ...(DEFAULT_BUNDLE.value.rules ?? []),
      ...times(LARGE.rules - (DEFAULT_BUNDLE.value.rules ?? []).length, ruleOf),
    ],
    conditions: times(LARGE.conditions, (i) => ({ cedar: conditionOf(i) })),
  };
}

function ruleOf(i: number): PolicyRule {
  const on = i % 2 === 0 ? { effects: ['read' as const] } : { verbs: [`system${i}.export`] };
  const when =
    i % 3 === 0
      ? { count_within: { verbs: [`system${i}.*`], at_least: 5, within: '1h' } }
      : { formerly: { labels: ['read:secret'], verbs: [`system${i}.*`], within: '1h' } };
  const step = { labels: ['read:secret'], verb: `system${i}.export` };
  return {
    name: `rule-${i}`,
    on,
    when,
    outcome: 'ask',
    says: `system ${i} was exported before`,
    examples: { fires: [[...times(5, () => step), step]], silent: [[{ verb: 'file.read' }]] },
  };
}

function conditionOf(i: number): string {
  const id = `@id("condition-${i}")`;
  if (i % 4 === 0)
    return `${id} forbid (principal, action, resource) when { context.cost has EUR && context.cost.EUR > ${i + 1}0000000 };`;
  if (i % 4 === 1)
    return `${id} forbid (principal in Class::"class-${i}", action in Action::"file", resource) unless { resource.attributes has owner };`;
  return `${id} forbid (principal, action == Action::"system${i}.export", resource) when { context.labels.contains("private") && resource.attributes.region != "eu" };`;
}

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/**
 * Returns the decisions per second of processor time, all of which are permits: other processes on the machine do not
 * count.
 */
function decisions(amounts: number, bundle?: PolicyBundle): Measure {
  const state = emptyState('default/0', 'default', 0);
  let commands = 0;
  const submit = (type: string, fields: object): Event[] => {
    commands += 1;
    const actor = { kind: 'service', id: 'key:bench' };
    const commandId = `cmd_${String(commands).padStart(8, '0')}`;
    const command = { log: 'default/0', commandId, actor, type, ...fields } as Command;
    const decided = decide(state, command, NOW, RULES);
    const sealed = decided.ok ? sealAll(state, command, NOW, decided.value) : decided;
    if (!sealed.ok) throw new Error(`${type} is refused: ${sealed.error.detail}`);
    const events = sealed.value.map(({ event }) => event);
    for (const event of events) evolve(state, event);
    return events;
  };
  if (bundle) {
    const text = canonicalize(bundle);
    submit('deployPolicy', { replaces: 0, digest: `sha256:${sha256hex(text)}`, bundle: text });
  }
  const grant = {
    actions: { allow: ['file.*'] },
    resources: [{ type: 'file', match: '**' }],
    budget: { calls: MUCH, reads: MUCH, cost: { EUR: MUCH } },
  };
  const opened = submit('openRun', { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant });
  const grantId = opened.find(({ type }) => type === 'GrantIssued')?.grantId;
  return () => {
    const started = process.cpuUsage();
    for (let i = 0; i < CALLS; i++) {
      const [permit] = submit('authorize', {
        grantId,
        action: { verb: 'file.read', argsDigest: `sha256:${'0'.repeat(64)}` },
        resource: { type: 'file', id: `repo/src/f${i % 512}.ts`, attributes: { size: i % 512 } },
        cost: { EUR: (commands * 7_919) % amounts },
        proof: { vouched: true },
      });
      if (permit?.type !== 'ActionPermitted') throw new Error(`a call was not permitted: ${JSON.stringify(permit)}`);
      submit('settle', { actionId: permit.actionId, outcome: { status: 'completed' } });
    }
    const { user, system } = process.cpuUsage(started);
    return Promise.resolve((CALLS / (user + system)) * 1_000_000);
  };
}
