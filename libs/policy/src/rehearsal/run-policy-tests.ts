import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import type { Resource } from '@bailiwick/contracts/actions/action';
import type { JudgeTrajectory } from '@bailiwick/contracts/actions/trajectory';
import type { PolicyCall, PolicyTest } from '@bailiwick/contracts/policy/policy-test';
import type { Reason } from '@bailiwick/contracts/reason';
import { err, ok, type Result } from '@bailiwick/core/result';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { CheckedBundle } from '../bundle';
import { derive } from '../catalog/derive';
import type { Problem } from '../problem';
import type { Path } from '../yaml/yaml-file';
import { Rehearsal } from './rehearsal';

/**
 * Runs the tests of a bundle: each lease, history and call is decided by the rules of the product, under the catalog of
 * the bundle. Returns what differs from what the tests expect, each with its file and line; an empty list if nothing does.
 */
export function runPolicyTests(bundle: CheckedBundle, judge: JudgeTrajectory = judgeTrajectory): Problem[] {
  return bundle.tests.flatMap((test, i) => {
    const failure = failureOf(test, bundle, judge);
    return failure ? [bundle.problemAt('tests', i, failure.path, `${test.name}: ${failure.message}`)] : [];
  });
}

interface Failure {
  readonly path: Path;
  readonly message: string;
}

function failureOf(
  test: PolicyTest,
  { catalog, rules }: Pick<CheckedBundle, 'catalog' | 'rules'>,
  judge: JudgeTrajectory,
): Failure | undefined {
  const rehearsal = new Rehearsal(catalog, judge, rules);
  const opened = rehearsal.open(test.agent ?? { class: 'worker' }, test.lease);
  if (!opened.ok) return { path: ['lease'], message: `the lease is refused: ${opened.error.detail}` };
  for (const [i, step] of (test.history ?? []).entries()) {
    const path = ['history', i];
    const { expect = 'permit', outcome = 'completed', result, ...call } = step;
    const asked = ask(rehearsal, catalog, call);
    if (!asked.ok) return { path, message: asked.error };
    const { decision, reasons, actionId } = asked.value;
    if (decision !== expect) return { path, message: differs('the step', expect, decision, reasons) };
    if (decision !== 'permit' || outcome === 'none') continue;
    const settled = rehearsal.settle(actionId, outcome, result);
    if (!settled.ok) return { path, message: `its outcome is refused: ${settled.error.detail}` };
  }
  const asked = ask(rehearsal, catalog, test.call);
  if (!asked.ok) return { path: ['call'], message: asked.error };
  const { decision, reasons } = asked.value;
  if (decision !== test.expect.decision)
    return { path: ['expect', 'decision'], message: differs('the call', test.expect.decision, decision, reasons) };
  const found = codesIn(reasons);
  const missing = (test.expect.codes ?? []).filter((code) => !found.includes(code));
  if (missing.length === 0) return undefined;
  const message = `the reasons lack ${missing.join(', ')}; they are ${found.join(', ') || 'none'}`;
  return { path: ['expect', 'codes'], message };
}

function ask(
  rehearsal: Rehearsal,
  catalog: Catalog,
  call: PolicyCall,
): Result<Extract<ReturnType<Rehearsal['ask']>, { ok: true }>['value'], string> {
  const full = completed(call, catalog);
  if (!full.ok) return full;
  const asked = rehearsal.ask(full.value, full.value.resource);
  return asked.ok ? asked : err(`the call is refused with ${asked.error.code}: ${asked.error.detail}`);
}

/** Adds to a call what the entry of the catalog takes from its arguments; the call may not state anything else. */
function completed(call: PolicyCall, catalog: Catalog): Result<PolicyCall & { readonly resource: Resource }, string> {
  const { entry } = catalog.lookup(call.verb, call.tool);
  const derived = entry && call.args !== undefined ? derive(entry, call.args) : ok({ attributes: {} });
  if (!derived.ok) return derived;
  const { resource, attributes, cost, units } = {
    resource: undefined,
    cost: undefined,
    units: undefined,
    ...derived.value,
  };
  if (resource && call.resource && (resource.type !== call.resource.type || resource.id !== call.resource.id))
    return err(
      `the arguments name ${resource.type} ${resource.id}, and the call ${call.resource.type} ${call.resource.id}`,
    );
  const named = call.resource ?? resource;
  if (!named) return err('names no resource, and the catalog takes none from its arguments');
  const all = { ...(call.resource?.attributes ?? {}), ...attributes };
  return ok({
    ...call,
    cost: call.cost ?? cost,
    units: call.units ?? units,
    resource: { type: named.type, id: named.id, ...(Object.keys(all).length > 0 ? { attributes: all } : {}) },
  });
}

const differs = (what: string, expected: string, decision: string, reasons: readonly Reason[]): string =>
  `${what} should get ${expected}, and gets ${decision}${reasons.length > 0 ? ` (${textOf(reasons)})` : ''}`;

const leaves = (reasons: readonly Reason[]): Reason[] =>
  reasons.flatMap((each) => (each.reasons && each.reasons.length > 0 ? leaves(each.reasons) : [each]));
const textOf = (reasons: readonly Reason[]): string =>
  leaves(reasons)
    .slice(0, 3)
    .map(({ code, message }) => (code === undefined ? message : `${code}: ${message}`))
    .join('; ');
const codesIn = (reasons: readonly Reason[]): string[] => [
  ...new Set(leaves(reasons).flatMap(({ code }) => (code === undefined ? [] : [code]))),
];
