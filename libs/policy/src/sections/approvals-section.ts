import {
  approvalRulesOf,
  compileApprovalRules,
  type ApprovalRules,
} from '@bailiwick/authority/approvals/approval-rules';
import { approvalRule, type ApprovalRule } from '@bailiwick/contracts/policy/approval-rule';
import { LIMITS } from '@bailiwick/core/limits';
import type { Section } from './section';

/** Who may approve what; undefined if the bundle has no rules about approvals. */
export const approvalsSection: Section<ApprovalRule, ApprovalRules | undefined> = {
  schema: approvalRule,
  most: LIMITS.policy.approvals.rules,
  notEmpty: 'without a rule no person could approve anything; leave approvals out if each approver may approve',
  compile(entries, report) {
    if (entries.length === 0) return undefined;
    const compiled = compileApprovalRules(entries);
    if (compiled.ok) return compiled.value;
    for (const { entry, path, message, other } of compiled.error) report(entry, path, message, { other });
    return approvalRulesOf(entries);
  },
};
