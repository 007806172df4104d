import { DIMENSIONS, OPTIONAL_DIMENSIONS } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';

const OPTIONAL: ReadonlySet<string> = new Set(OPTIONAL_DIMENSIONS);

const AGREES: readonly Reason[] = DIMENSIONS.filter((name) => !OPTIONAL.has(name)).map((rule) => ({
  rule,
  outcome: 'permit',
  message: 'within the limit of every grant of the chain',
}));

/** Completes the stored objections with a reason for each dimension of every grant that did not object. */
export function allReasons(objections: readonly Reason[]): readonly Reason[] {
  if (objections.length === 0) return AGREES;
  const objecting = new Set(
    objections.flatMap((reason) => [reason.rule, ...(reason.reasons ?? []).map((each) => each.rule)]),
  );
  return [...objections, ...AGREES.filter(({ rule }) => !objecting.has(rule))];
}

const AGREES_TEXT = JSON.stringify(AGREES);

/**
 * Writes the JSON of an object with all reasons in the member `reasons`. Almost all decisions have no objections, and
 * their reasons are serialized once.
 * @param value an object without a member `reasons`
 */
export function withReasons(value: object, objections: readonly Reason[]): string {
  const reasons = objections.length === 0 ? AGREES_TEXT : JSON.stringify(allReasons(objections));
  const text = JSON.stringify(value);
  return `{"reasons":${reasons}${text === '{}' ? '' : ','}${text.slice(1)}`;
}
