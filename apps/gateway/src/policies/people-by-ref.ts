import type { Approvers } from '@bailiwick/contracts/policy/approval-rule';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { canonicalize } from '@bailiwick/core/canonical';
import { sha256hex } from '@bailiwick/core/digest';

/** The name of a key that several people share, and a ref that a bundle has already: both stay as they are. */
const NO_PERSON = /^(key:|ref_)/;

/**
 * Replaces the names of people in a bundle by their refs: events name people by refs, and a deployed bundle stays in the
 * log, where a name could not be erased. A bundle that names no person stays the same.
 * @param text the canonical JSON of a bundle
 * @param refOf the ref of a person
 */
export function peopleByRef(text: string, refOf: (name: string) => string): { canonical: string; digest: string } {
  const bundle = JSON.parse(text) as PolicyBundle;
  const hidden = (by: Approvers): Approvers =>
    by.people ? { ...by, people: by.people.map((each) => (NO_PERSON.test(each) ? each : refOf(each))) } : by;
  const approvals = bundle.approvals?.map((rule) => ({
    ...rule,
    ...(rule.by ? { by: hidden(rule.by) } : {}),
    ...(rule.breakGlass ? { breakGlass: hidden(rule.breakGlass) } : {}),
  }));
  const canonical = approvals ? canonicalize({ ...bundle, approvals }) : text;
  return { canonical, digest: `sha256:${sha256hex(canonical)}` };
}
