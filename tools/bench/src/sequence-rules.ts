import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { normalizeVerb } from '@bailiwick/authority/matching/verbs/verb';
import { classify } from '@bailiwick/authority/matching/catalog';
import { feed, type Kept } from '@bailiwick/authority/sequences/kept';
import { compileRules, type CompiledRules } from '@bailiwick/authority/sequences/compile';
import { SHIPPED } from '@bailiwick/authority/sequences/shipped';
import { judgedStep } from '@bailiwick/authority/sequences/step';
import { chargeOf } from '@bailiwick/authority/state/usage';
import { UsageError } from '@bailiwick/cli/context';
import { readTraces, type RecordedRun } from '@bailiwick/cli/demo/read-traces';
import { describeCall } from '@bailiwick/cli/demo/trace-tools';
import { table } from '@bailiwick/cli/render';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { LIMITS } from '@bailiwick/core/limits';
import { valuesIn } from '@bailiwick/core/value-digests';
import { RISKS, type Risk } from '@bailiwick/contracts/grants/grant';
import type { RuleInForce, Trajectory, TrajectoryStep } from '@bailiwick/contracts/actions/trajectory';
import { checkBundle } from '@bailiwick/policy/bundle';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { problemText } from '@bailiwick/policy/problem';

/** The records have no times: one call follows the other after this time. */
const BETWEEN_CALLS_MS = 5_000;

const CLEAN: ReadonlySet<string> = new Set(['benign', 'benign-injection-as-user']);
const HIJACKED = 'hijacked';

/** The tier from which a lease with the default limits asks a person. */
const ASKED_FROM = tenantDefaults(0).risk.approvalFrom;

interface Tally {
  clean: number;
  /** of these, runs in which a lease with the default limits would not ask a person about such a call anyway */
  alone: number;
  hijacked: number;
}

/**
 * Counts for each rule, of the release unless others are given, the clean recorded runs that it would disturb, and the hijacked ones that it would
 * stop: it objects to an injected call, or to a call before it. Each rule is measured alone: every call counts as
 * permitted, whatever another rule objects to. A question is no further disturbance if the lease asks it anyway: with the
 * default limits it asks from high risk on.
 */
export async function benchRules(
  file: string,
  json: boolean,
  print: (line: string) => void,
  measured: CompiledRules = SHIPPED,
): Promise<void> {
  const runs = await readTraces(file);
  const clean = runs.filter((run) => CLEAN.has(run.class));
  const hijacked = runs.filter((run) => run.class === HIJACKED);
  const tallies = new Map<string, Tally>(measured.list.map(({ name }) => [name, { clean: 0, alone: 0, hijacked: 0 }]));
  const both: Tally = { clean: 0, alone: 0, hijacked: 0 };
  const count = (run: RecordedRun, kind: 'clean' | 'hijacked'): void => {
    const fired = objectionsIn(run, measured);
    const until =
      kind === 'clean' ? Infinity : Math.max(-1, ...(run.labels?.injectedCalls ?? []).map(([index]) => index));
    const inTime = measured.list.filter(({ name }) => (fired.get(name)?.first ?? NaN) <= until);
    for (const { name } of inTime) (tallies.get(name) as Tally)[kind] += 1;
    const stops = inTime.filter(({ outcome }) => outcome !== 'note');
    if (stops.length > 0) both[kind] += 1;
    if (kind === 'hijacked') return;
    const isAlone = ({ name, outcome }: RuleInForce): boolean => fired.get(name)?.alone === true || outcome === 'deny';
    for (const rule of inTime.filter(isAlone)) (tallies.get(rule.name) as Tally).alone += 1;
    if (stops.some(isAlone)) both.alone += 1;
  };
  for (const run of clean) count(run, 'clean');
  for (const run of hijacked) count(run, 'hijacked');
  const rows = [...measured.list.map((rule) => ({ ...rule, ...(tallies.get(rule.name) as Tally) }))];
  if (json) {
    const of = { clean: clean.length, hijacked: hijacked.length };
    for (const { name, outcome, clean: disturbed, alone, hijacked: stopped } of rows)
      print(JSON.stringify({ bench: 'rules', rule: name, outcome, clean: disturbed, alone, hijacked: stopped, of }));
    return print(JSON.stringify({ bench: 'rules', rule: null, outcome: 'ask or deny', ...both, of }));
  }
  const cells = (tally: Tally): string[] => [
    share(tally.clean, clean.length),
    share(tally.alone, clean.length),
    share(tally.hijacked, hijacked.length),
  ];
  print(
    table(
      ['rule', 'outcome', `of ${clean.length} clean runs`, 'not asked anyway', `of ${hijacked.length} hijacked runs`],
      [
        ...rows.map(({ name, outcome, ...tally }) => [name, outcome, ...cells(tally)]),
        ['any that asks or denies', '', ...cells(both)],
      ],
    ),
  );
}

const share = (part: number, of: number): string => `${part} (${of === 0 ? 0 : ((part / of) * 100).toFixed(1)} %)`;

/** Reads the rules of a file of a policy bundle, checked as for a deployment. @throws UsageError with its problems */
export function rulesIn(file: string): CompiledRules {
  const checked = checkBundle({ [basename(file)]: readFileSync(file, 'utf8') });
  if (!checked.ok) throw new UsageError(checked.error.map(problemText).join('\n'));
  const compiled = compileRules(checked.value.value.rules ?? []);
  if (!compiled.ok || compiled.value.list.length === 0) throw new UsageError(`${file} has no rules`);
  return compiled.value;
}

/** Where a rule objects to the calls of a run. */
interface Objections {
  /** index of the first one */
  readonly first: number;
  /** to one of them a person would not be asked anyway */
  readonly alone: boolean;
}

/** Returns the objections of each rule that has any. */
function objectionsIn(run: RecordedRun, measured: CompiledRules): Map<string, Objections> {
  const fired = new Map<string, Objections>();
  const first: Record<string, Trajectory['first'][string]> = {};
  let kept: Kept | undefined;
  for (const [index, recorded] of run.calls.entries()) {
    const now = index * BETWEEN_CALLS_MS;
    const { step, risk } = stepOf(recorded);
    for (const rule of measured.list) {
      const known = fired.get(rule.name);
      if (known?.alone === true || !rule.objection({ first, kept, now }, step)) continue;
      fired.set(rule.name, { first: known?.first ?? index, alone: RISKS.indexOf(risk) < RISKS.indexOf(ASKED_FROM) });
    }
    for (const label of step.labels) first[label] ??= { actionId: String(index), runId: step.runId, position: index };
    const judged = { ...judgedStep(step), actionId: String(index) };
    kept = feed(kept, measured, judged, now);
    const returned = {
      kind: 'ended',
      labels: [],
      effects: [],
      marks: valuesIn(recorded.result, LIMITS.valuesPerResult),
    } as const;
    kept = feed(kept, measured, { ...judged, ...returned }, now);
  }
  return fired;
}

/** Returns a recorded call as an enforcement point reports it, classified by the default catalog. */
function stepOf(recorded: RecordedRun['calls'][number]): { readonly step: TrajectoryStep; readonly risk: Risk } {
  const { action, resource, labels = [] } = describeCall(recorded);
  const verb = normalizeVerb(action.verb);
  const named = verb.ok ? verb.value : action.verb;
  const facts = classify(
    {
      verb: named,
      spelled: action.verb,
      tool: action.tool,
      effect: action.effect,
      risk: action.risk,
      labels,
      resource: { type: resource.type, id: resource.id, attributes: {} },
      vouched: true,
    },
    DEFAULT_CATALOG,
  );
  const step = {
    labels: [...facts.labels],
    effect: facts.effect,
    effects: facts.effects,
    runId: 'run',
    verb: named,
    resource: { type: resource.type, id: resource.id },
    agentClass: 'worker',
    charge: chargeOf(facts.effects, {}),
    // in place of their marks: as an enforcement point states them
    marks: valuesIn(recorded.args),
  };
  return { step, risk: facts.risk };
}
