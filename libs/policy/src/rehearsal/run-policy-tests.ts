import { containsAll } from '@bailiwick/authority/obligations/combine';
import type { JudgeTrajectory } from '@bailiwick/contracts/actions/trajectory';
import { obligationText } from '@bailiwick/contracts/obligations/obligation-text';
import type { PolicyCall, PolicyTest } from '@bailiwick/contracts/policy/policy-test';
import type { Reason, Refusal } from '@bailiwick/contracts/reason';
import { parseTime } from '@bailiwick/core/clock';
import { err, type Result } from '@bailiwick/core/result';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { CheckedBundle } from '../bundle';
import { CallReader } from '../catalog/call-reader';
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

function failureOf(test: PolicyTest, bundle: CheckedBundle, judge: JudgeTrajectory): Failure | undefined {
  const { catalog } = bundle;
  const rehearsal = new Rehearsal(bundle, judge, test.at === undefined ? undefined : parseTime(test.at));
  const reader = new CallReader(0, catalog);
  const opened = rehearsal.open(test.agent ?? { class: 'worker' }, test.lease);
  if (!opened.ok) return refusedLease(test, opened.error);
  for (const [i, step] of (test.history ?? []).entries()) {
    const path = ['history', i];
    const { expect = 'permit', outcome = 'completed', result, ...call } = step;
    const asked = ask(rehearsal, reader, call);
    if (!asked.ok) return { path, message: asked.error };
    const { decision, reasons, actionId } = asked.value;
    if (decision !== expect) return { path, message: differs('the step', expect, decision, reasons) };
    if (decision !== 'permit' || outcome === 'none') continue;
    const settled = rehearsal.settle(actionId, outcome, result);
    if (!settled.ok) return { path, message: `its outcome is refused: ${settled.error.detail}` };
  }
  const asked = ask(rehearsal, reader, test.call);
  if (!asked.ok) return { path: ['call'], message: asked.error };
  const { decision, reasons, obligations } = asked.value;
  if (decision !== test.expect.decision)
    return { path: ['expect', 'decision'], message: differs('the call', test.expect.decision, decision, reasons) };
  const lacking = (test.expect.obligations ?? []).filter((each) => !containsAll(obligations, [each]));
  if (lacking.length > 0)
    return {
      path: ['expect', 'obligations'],
      message: `the permit does not oblige to ${lacking.map(obligationText).join(', ')}; it obliges to ${obligations.map(obligationText).join(', ') || 'nothing'}`,
    };
  const found = codesIn(reasons);
  const missing = (test.expect.codes ?? []).filter((code) => !found.includes(code));
  if (missing.length === 0) return undefined;
  const message = `the reasons lack ${missing.join(', ')}; they are ${found.join(', ') || 'none'}`;
  return { path: ['expect', 'codes'], message };
}

/** A test may expect that a manifest refuses its lease: the call is then denied, for a reason that it must name. */
function refusedLease({ expect }: PolicyTest, { detail, reasons = [] }: Refusal): Failure | undefined {
  const codes = codesIn(reasons.filter(({ rule }) => rule === 'manifest'));
  const isExpected = expect.decision === 'deny' && expect.codes?.every((code) => codes.includes(code));
  return isExpected === true ? undefined : { path: ['lease'], message: `the lease is refused: ${detail}` };
}

function ask(
  rehearsal: Rehearsal,
  reader: CallReader,
  call: PolicyCall,
): Result<Extract<ReturnType<Rehearsal['ask']>, { ok: true }>['value'], string> {
  const derived = reader.read(call);
  const resource = call.resource ?? derived?.resource;
  if (!resource) return err(derived?.fault ?? 'names no resource, and the catalog takes none from its arguments');
  const asked = rehearsal.ask(call, resource, derived);
  return asked.ok ? asked : err(`the call is refused with ${asked.error.code}: ${asked.error.detail}`);
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
