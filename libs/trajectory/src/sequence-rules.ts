import { judgeByRules } from '@bailiwick/authority/sequences/judge-rules';
import { labelRule, type LabelRule, type LabelSequence } from '@bailiwick/authority/sequences/label-rules';
import { SHIPPED } from '@bailiwick/authority/sequences/shipped';
import type { JudgeTrajectory, RuleInForce } from '@bailiwick/contracts/actions/trajectory';
import type { RuleOutcome } from '@bailiwick/contracts/policy/rule';
import type { Change } from '@bailiwick/contracts/replay/replay';
import type { DecisionOutcome } from '@bailiwick/contracts/reason';

/** A sequence of labels with its outcome. */
export interface SequenceRule extends LabelSequence {
  /** a ReasonCode, or the name of a rule under trial */
  readonly code: string;
  readonly outcome: DecisionOutcome;
}

const DECISIONS: Readonly<Record<RuleOutcome, DecisionOutcome>> = {
  note: 'permit',
  ask: 'step-up',
  deny: 'deny',
  suspend: 'deny',
};
const OUTCOMES: Readonly<Record<DecisionOutcome, RuleOutcome>> = { permit: 'note', 'step-up': 'ask', deny: 'deny' };

/**
 * The rules of the release about labels alone (`libs/policy/default/rules.yaml`). They apply to the whole tree, so
 * splitting an attack between a parent and a child does not hide it.
 */
export const SEQUENCES: readonly SequenceRule[] = SHIPPED.list
  .filter((rule): rule is LabelRule => 'seen' in rule)
  .map(({ code, outcome, seen, before, then, says }) => ({
    code,
    outcome: DECISIONS[outcome],
    seen,
    ...(before ? { before } : {}),
    then,
    says,
  }));

/**
 * Judges the next step by the rules in force; those of the release if a tenant has deployed no others. Returns one reason
 * per rule that objects.
 */
export const judgeTrajectory: JudgeTrajectory = judgeByRules();

const ruleOf = ({ outcome, code, ...sequence }: SequenceRule): RuleInForce =>
  labelRule(sequence, { name: code, code, outcome: OUTCOMES[outcome] });

/** Like `judgeTrajectory`, with the given rules alone. */
export function judgeBy(sequences: readonly SequenceRule[]): JudgeTrajectory {
  return judgeByRules(() => 'off', sequences.map(ruleOf));
}

/** Returns a judge for changed rules: rules switched off, stricter or milder, and additional ones. */
export function judgeUnder({ sequences = {}, added = [] }: NonNullable<Change['policy']> = {}): JudgeTrajectory {
  const set = new Map(Object.entries(sequences));
  const tried = added.map(({ says = 'a rule under trial', ...rule }) => ruleOf({ ...rule, says, code: 'TRIED_OUT' }));
  return judgeByRules((rule) => {
    const setting = set.get(rule.name) ?? set.get(rule.code);
    if (setting === undefined) return rule.outcome;
    return setting === 'off' ? 'off' : OUTCOMES[setting];
  }, tried);
}
