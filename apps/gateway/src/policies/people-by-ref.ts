import type { Approvers } from '@bailiwick/contracts/policy/approval-rule';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { canonicalize } from '@bailiwick/core/canonical';
import { sha256hex } from '@bailiwick/core/digest';

/** The name of a key that several people share, and a ref that a bundle has already: both stay as they are. */
const NO_PERSON = /^(key:|ref_)/;

/** A bundle with refs, and the people that it named. */
interface PolicyByRef {
  readonly canonical: string;
  readonly digest: string;
  readonly people: readonly { readonly ref: string; readonly name: string }[];
}

/**
 * Replaces the names of people in a bundle by their refs: events name people by refs, and a deployed bundle stays in the
 * log, where a name could not be erased. A bundle that names no person stays the same.
 * @param text the canonical JSON of a bundle
 * @param refOf the ref of a person
 */
export function peopleByRef(text: string, refOf: (name: string) => string): PolicyByRef {
  const bundle = JSON.parse(text) as PolicyBundle;
  const people = new Map<string, string>();
  const hide = (name: string): string => {
    if (NO_PERSON.test(name)) return name;
    const ref = refOf(name);
    people.set(ref, name);
    return ref;
  };
  const hidden = (by: Approvers): Approvers => (by.people ? { ...by, people: by.people.map(hide) } : by);
  const approvals = bundle.approvals?.map((rule) => ({
    ...rule,
    ...(rule.by ? { by: hidden(rule.by) } : {}),
    ...(rule.breakGlass ? { breakGlass: hidden(rule.breakGlass) } : {}),
  }));
  const canonical = approvals ? canonicalize({ ...bundle, approvals }) : text;
  const named = [...people].map(([ref, name]) => ({ ref, name }));
  return { canonical, digest: `sha256:${sha256hex(canonical)}`, people: named };
}
