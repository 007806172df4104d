import { DIMENSIONS } from '@bailiwick/contracts/grant';
import type { Reason } from '@bailiwick/contracts/reason';

const AGREES: readonly Reason[] = DIMENSIONS.map((rule) => ({
  rule,
  outcome: 'permit',
  message: 'within the limit of every grant of the chain',
}));

/** Every dimension is asked every time; those that do not object are not stored, but told. */
export function allReasons(objections: readonly Reason[]): readonly Reason[] {
  if (objections.length === 0) return AGREES;
  const objecting = new Set(
    objections.flatMap((reason) => [reason.rule, ...(reason.reasons ?? []).map((each) => each.rule)]),
  );
  return [...objections, ...AGREES.filter(({ rule }) => !objecting.has(rule))];
}

const AGREES_TEXT = JSON.stringify(AGREES);

/**
 * The JSON of an object with all reasons as its member `reasons`. Nearly always nobody objects, and what is told then
 * has been written already.
 * @param value has no member `reasons` of its own
 */
export function withReasons(value: object, objections: readonly Reason[]): string {
  const reasons = objections.length === 0 ? AGREES_TEXT : JSON.stringify(allReasons(objections));
  const text = JSON.stringify(value);
  return `{"reasons":${reasons}${text === '{}' ? '' : ','}${text.slice(1)}`;
}
