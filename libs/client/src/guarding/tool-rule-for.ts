import { DeniedError } from '../errors';
import type { Args, ToolRule, ToolRules } from './tool';

/** Returns the rule of a tool. @throws DeniedError if it has none */
export function ruleFor<R>(rules: ToolRules, name: string): ToolRule<Args, R> {
  if (Object.hasOwn(rules, name)) return rules[name] as ToolRule<Args, R>;
  throw new DeniedError([
    { rule: 'tool', outcome: 'deny', code: 'TOOL_WITHOUT_RULE', message: `no rule states what the tool ${name} does` },
  ]);
}
