import type { RuleInForce } from '@bailiwick/contracts/actions/trajectory';
import type { Formula, StatedRule } from '@bailiwick/contracts/policy/rule';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import { compileFormula, type Uses } from './formula';
import { labelRule, sequenceOf } from './label-rules';
import { compileMatcher, verbsMatcher, type ReportFault } from './matcher';
import type { Operator } from './operators';
import { judgedStep } from './step';

/** A list of rules, compiled. */
export interface CompiledRules {
  readonly list: readonly RuleInForce[];
  /** what they keep of each tree, each state once */
  readonly operators: readonly Operator[];
  readonly keys: ReadonlySet<string>;
  /** those that follow the flow of data; empty: no event needs marks of values */
  readonly flows: readonly Operator[];
  /** the labels of the past that they look for: a tree keeps the first action of each */
  readonly labels: ReadonlySet<string>;
  /** identifies what they keep of a tree */
  readonly id: string;
}

/** A fault in one rule. */
export interface RuleFault {
  /** index of the rule */
  readonly entry: number;
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** index of an earlier rule that it is in conflict with */
  readonly other?: number;
}

/** Compiles rules, in the order of the bundle, or returns every fault that their schema does not find. */
export function compileRules(rules: readonly StatedRule[]): Result<CompiledRules, RuleFault[]> {
  const faults: RuleFault[] = [];
  const names = new Map<string, number>();
  const uses: Uses = { operators: [], labels: new Set() };
  const list = rules.map((rule, entry) => {
    const report: ReportFault = (path, message) => void faults.push({ entry, path, message });
    const other = names.get(rule.name);
    if (other !== undefined)
      faults.push({ entry, path: ['name'], message: `${rule.name} is also the name of another rule`, other });
    else names.set(rule.name, entry);
    if (operatorsIn(rule.when) > LIMITS.policy.rule.operators)
      report(['when'], `has more than ${LIMITS.policy.rule.operators} operators`);
    return compileRule(rule, uses, report);
  });
  const operators = [...new Map(uses.operators.map((each) => [each.key, each])).values()];
  const values = operators.reduce((sum, each) => sum + each.values, 0);
  if (values > LIMITS.policy.ruleValues && rules.length > 0)
    faults.push({
      entry: rules.length - 1,
      path: ['when'],
      message: `the rules keep up to ${values} values of each tree, and at most ${LIMITS.policy.ruleValues} are kept; count to smaller numbers`,
    });
  if (faults.length > 0) return err(faults);
  const keys = new Set(operators.map(({ key }) => key));
  const id = canonicalDigest([...keys].sort()).slice('sha256:'.length, 23);
  const flows = operators.filter((each) => each.followsOutcomes);
  return ok({ list, operators, keys, flows, labels: uses.labels, id });
}

function operatorsIn({ all = [], any = [], not }: Formula): number {
  const inside = [...all, ...any, ...(not ? [not] : [])];
  return inside.reduce((sum, each) => sum + operatorsIn(each), 1);
}

function compileRule(rule: StatedRule, uses: Uses, report: ReportFault): RuleInForce {
  const { name, outcome, says, code = 'POLICY_RULE', obligations } = rule;
  const obliged = obligations === undefined ? {} : { obligations };
  const named = { path: `rules.${name}`, actual: name };
  const matches = compileMatcher(rule.on, (path, message) => report(['on', ...path], message));
  const holds = compileFormula(rule.when, uses, (path, message) => report(['when', ...path], message));
  const sequence = sequenceOf(rule);
  if (sequence)
    return { ...labelRule(sequence, { name, code, outcome }, rule.code === undefined ? named : undefined), ...obliged };
  const { verbs } = rule.on;
  return {
    name,
    code,
    outcome,
    ...obliged,
    ...(verbs === undefined ? {} : { isAbout: verbsMatcher(verbs, () => undefined) }),
    objection(seen, requested) {
      const step = judgedStep(requested);
      if (!matches(step) || holds(seen, step) === false) return undefined;
      return { code, message: `${says} (rule ${name})`, ...named };
    },
  };
}
