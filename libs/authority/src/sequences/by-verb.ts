import type { RuleInForce } from '@bailiwick/contracts/actions/trajectory';
import { remembered } from '@bailiwick/core/memo';

/** The verbs of which the rules are kept for one list. */
const VERBS = 1_000;

type OfVerb = (verb: string) => readonly RuleInForce[];
const byList = new WeakMap<readonly RuleInForce[], OfVerb>();

/**
 * Returns the rules of a list that can object to a step of a verb, in their order. Most rules of a large bundle name verbs,
 * so that a decision asks few of them.
 */
export function rulesAbout(rules: readonly RuleInForce[], verb: string | undefined): readonly RuleInForce[] {
  if (verb === undefined) return rules;
  let about = byList.get(rules);
  if (!about) {
    about = remembered((each) => rules.filter((rule) => rule.isAbout?.(each) ?? true), VERBS);
    byList.set(rules, about);
  }
  return about(verb);
}
