import type { Trajectory } from '@bailiwick/contracts/actions/trajectory';
import type { Formula, SeenSteps } from '@bailiwick/contracts/policy/rule';
import { dataFrom } from './data-from';
import { compilePast, IN_FLIGHT, type ReportFault } from './matcher';
import {
  countDistinctWithin,
  countWithin,
  formerly,
  markOf,
  since,
  sumWithin,
  type Operator,
  type Verdict,
} from './operators';
import type { Step } from './step';

/** Whether a formula holds of a tree and the judged step; undefined if what is kept does not show it. */
export type Holds = (seen: Trajectory, step: Step) => Verdict;

/** What a formula keeps of a tree. */
export interface Uses {
  readonly operators: Operator[];
  readonly labels: Set<string>;
}

/** Compiles a formula. What it keeps of a tree is added to `uses`. */
export function compileFormula(formula: Formula, uses: Uses, report: ReportFault): Holds {
  const at =
    (...path: (string | number)[]): ReportFault =>
    (rest, message) =>
      report([...path, ...rest], message);
  const one = (operator: Operator): Holds => {
    uses.operators.push(operator);
    return (seen, step) => operator.holds(seen.kept?.states.get(operator.key), step, markOf(operator, seen));
  };
  if (formula.formerly) return seenOf(formula.formerly, uses, one, at('formerly'));
  if (formula.never) return negated(seenOf(formula.never, uses, one, at('never')));
  if (formula.once) {
    const before = seenOf(formula.once, uses, one, at('once'));
    const now = ofStep(formula.once);
    return (seen, step) => now(step) || before(seen, step);
  }
  if (formula.since) return one(since(formula.since, at('since')));
  if (formula.count_within) return one(countWithin(formula.count_within, at('count_within')));
  if (formula.count_distinct_within)
    return one(countDistinctWithin(formula.count_distinct_within, at('count_distinct_within')));
  if (formula.sum_within) return one(sumWithin(formula.sum_within, at('sum_within')));
  if (formula.data_from) return one(dataFrom(formula.data_from, at('data_from')));
  if (formula.all) return allOf(formula.all.map((each, i) => compileFormula(each, uses, at('all', i))));
  if (formula.any) return anyOf(formula.any.map((each, i) => compileFormula(each, uses, at('any', i))));
  if (formula.not) return negated(compileFormula(formula.not, uses, at('not')));
  return () => undefined;
}

const negated =
  (holds: Holds): Holds =>
  (seen, step) => {
    const verdict = holds(seen, step);
    return verdict === undefined ? undefined : !verdict;
  };

const allOf =
  (all: readonly Holds[]): Holds =>
  (seen, step) => {
    let result: Verdict = true;
    for (const holds of all) {
      const verdict = holds(seen, step);
      if (verdict === false) return false;
      if (verdict === undefined) result = undefined;
    }
    return result;
  };

const anyOf =
  (all: readonly Holds[]): Holds =>
  (seen, step) => {
    let result: Verdict = false;
    for (const holds of all) {
      const verdict = holds(seen, step);
      if (verdict === true) return true;
      if (verdict === undefined) result = undefined;
    }
    return result;
  };

/** Returns the labels, any of which is looked for, if the tree itself keeps the answer: the first action of each label. */
export function labelsAlone(of: SeenSteps): readonly string[] | undefined {
  const { labels, any_label, ...rest } = of;
  if (Object.values(rest).some((each) => each !== undefined)) return undefined;
  if (labels === undefined) return any_label;
  return any_label === undefined && labels.length === 1 ? labels : undefined;
}

function seenOf(of: SeenSteps, uses: Uses, one: (operator: Operator) => Holds, report: ReportFault): Holds {
  const labels = labelsAlone(of);
  if (!labels) return one(formerly(of, report));
  for (const label of labels) uses.labels.add(label);
  return (seen) => labels.some((label) => isSeen(seen, label));
}

/** Reports whether the judged step itself matches; it has a resource, verb and run in common with itself. */
function ofStep({ within: _, same: __, different, ...of }: SeenSteps): (step: Step) => boolean {
  const matches = compilePast(of, () => undefined);
  return (step) => !different && matches(step);
}

/** Reports whether a tree has had a label, or has a permit in flight that sends or may send (`open:…`). */
export function isSeen({ first, inFlight = [] }: Trajectory, label: string): boolean {
  if (!IN_FLIGHT.has(label)) return Object.hasOwn(first, label);
  return Object.hasOwn(first, label) || inFlight.some(({ charge }) => openLabel(charge) === label);
}

export const openLabel = ({ external }: { readonly external: number }): string =>
  external > 0 ? 'open:send' : 'open:may-send';
