import type { JudgeTrajectory, RuleInForce, RuleReason } from '@bailiwick/contracts/actions/trajectory';
import type { RuleOutcome } from '@bailiwick/contracts/policy/rule';
import type { Reason } from '@bailiwick/contracts/reason';
import { rulesAbout } from './by-verb';
import { SHIPPED } from './shipped';

const OUTCOMES: Readonly<Record<RuleOutcome, Pick<Reason, 'outcome' | 'suspends'>>> = {
  note: { outcome: 'permit' },
  ask: { outcome: 'step-up' },
  deny: { outcome: 'deny' },
  suspend: { outcome: 'deny', suspends: true },
};

/** Changes the outcome of a rule; `off` switches it off. */
export type Override = (rule: RuleInForce) => RuleOutcome | 'off';

/**
 * Judges the next step by the rules in force. Returns one reason per rule that objects, those that only note at the end.
 * Pure. The caller must record only permitted actions in the trajectory, and denied ones as such.
 */
export const judgeByRules =
  (override: Override = ({ outcome }) => outcome, added: readonly RuleInForce[] = []): JudgeTrajectory =>
  (seen, step) => {
    const [objections, notes]: [RuleReason[], RuleReason[]] = [[], []];
    const consider = (rule: RuleInForce, outcome: RuleOutcome | 'off'): void => {
      const found = outcome === 'off' ? undefined : rule.objection(seen, step);
      if (!found || outcome === 'off') return;
      const { code, message, path, actual } = found;
      (outcome === 'note' ? notes : objections).push({
        rule: 'trajectory',
        ...OUTCOMES[outcome],
        code,
        message,
        path,
        actual,
        ...(rule.obligations === undefined ? {} : { obligations: rule.obligations }),
      });
    };
    for (const rule of rulesAbout(seen.rules ?? SHIPPED.list, step.verb)) consider(rule, override(rule));
    for (const rule of added) consider(rule, rule.outcome);
    return notes.length === 0 ? objections : [...objections, ...notes];
  };
