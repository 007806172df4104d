import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { idOf, name, ref, time } from '../primitives';

/** A pattern of resources that leases may cover: those of the type whose name the pattern matches. */
export const selectedResource = z.strictObject({
  /** `*`: of any type */
  type: z.string().min(1).max(LIMITS.nameLength),
  match: z.string().min(1).max(LIMITS.resourceIdLength),
});

/** The parts of a selector that name no person and no text of a person: the same in a request as in an event. */
export const selectorParts = {
  agentClass: name.optional(),
  agentInstance: name.optional(),
  modelVersion: name.optional(),
  /** of the posture that was stated when the run was opened */
  environment: name.optional(),
  imageDigest: name.optional(),
  /** a verb or tool name */
  tool: name.optional(),
  /** a pattern of verbs (`deploy.*`): the lease could use one of them */
  verb: name.optional(),
  /** the lease could act on a resource of this pattern, whatever the attributes of the resource are */
  resource: selectedResource.optional(),
  treeId: idOf('tree').optional(),
  /** the run was opened before this time; default: before the rule itself */
  issuedBefore: time.optional(),
  /** the run was opened at or after this time */
  issuedAfter: time.optional(),
};

const storedParts = {
  ...selectorParts,
  principalRef: ref.optional(),
  purposeRef: ref.optional(),
  /** the person or key whose answer issued the lease, as the event of the lease names it */
  approver: name.optional(),
};

/**
 * Combines selectors two levels deep: `all` and `any` of several, `not` of one. The levels are written out, since a
 * recursive schema cannot be compiled.
 */
export function combined<T extends z.ZodRawShape>(parts: T) {
  const among = <S extends z.ZodType>(part: S) => ({
    all: z.array(part).min(1).max(LIMITS.selectorParts).optional(),
    any: z.array(part).min(1).max(LIMITS.selectorParts).optional(),
    not: part.optional(),
  });
  const part = z.strictObject(parts);
  const group = z.strictObject({ ...parts, ...among(part) });
  return z.strictObject({ ...parts, ...among(group) });
}

/**
 * The selector of a revocation as stored: people and purposes by ref. All given members must match; a member that a run
 * does not state does not match.
 */
export const storedSelector = combined(storedParts);
export type StoredSelector = z.infer<typeof storedSelector>;

/** An id such as `INC-2041`: events hold it for good, so it is no text that could name a person. */
export const incidentId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,99}$/, 'must be an id, such as INC-2041, of at most 100 characters');

/** Reports whether a selector names a verb or a tool at its top, which a revocation can deny instead of ending leases. */
export const namesVerb = ({ tool, verb }: Pick<StoredSelector, 'tool' | 'verb'>): boolean =>
  tool !== undefined || verb !== undefined;

/** Visits a selector and the selectors in it, with the path of each, such as `selector.any[0].not`. */
export function eachPart<S extends Nested<S>>(
  selector: S,
  visit: (part: Omit<S, 'all' | 'any' | 'not'>, path: string) => void,
  path = 'selector',
): void {
  const { all, any, not } = selector;
  visit(selector, path);
  all?.forEach((each, i) => eachPart(each, visit, `${path}.all[${i}]`));
  any?.forEach((each, i) => eachPart(each, visit, `${path}.any[${i}]`));
  if (not) eachPart(not, visit, `${path}.not`);
}
interface Nested<S> {
  all?: S[] | undefined;
  any?: S[] | undefined;
  not?: S | undefined;
}

/** Returns the refs of the people that a selector names, in any of its parts. */
export function peopleIn(selector: StoredSelector): string[] {
  const found: (string | undefined)[] = [];
  eachPart(selector, ({ principalRef, approver }) => found.push(principalRef, approver));
  return found.filter((each) => each !== undefined);
}
