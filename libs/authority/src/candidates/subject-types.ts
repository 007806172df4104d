import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { subjectType, type SubjectType } from '@bailiwick/contracts/policy/subject-type';
import type { PolicyNode } from '../state/policies';
import type { LogState } from '../state/state';

const read = new WeakMap<PolicyNode, readonly SubjectType[]>();

/** Returns the types of subjects that the policy in force maps to people; without a section `subjects`, none. */
export function subjectTypes({ policies: { current } }: Pick<LogState, 'policies'>): readonly SubjectType[] {
  if (!current) return [];
  const known = read.get(current);
  if (known) return known;
  const { subjects = [] } = JSON.parse(current.text) as PolicyBundle;
  // a text that was deployed is not checked again: an entry that this release cannot read maps nothing (I11)
  const mapped = subjects.filter((each) => subjectType.safeParse(each).success);
  read.set(current, mapped);
  return mapped;
}
