import { subjectType, type SubjectType } from '@bailiwick/contracts/policy/subject-type';
import { LIMITS } from '@bailiwick/core/limits';
import type { Section } from './section';

/** Which types of subjects of the AuthZEN API are people; the owner of a log reads them from the bundle itself. */
export const subjectsSection: Section<SubjectType, readonly SubjectType[]> = {
  schema: subjectType,
  most: LIMITS.policy.subjects,
  compile(entries, report) {
    entries.forEach(({ type }, at) => {
      const other = entries.findIndex((each) => each.type === type);
      if (other !== at) report(at, ['type'], `${type} is mapped twice`, { other });
    });
    return entries;
  },
};
