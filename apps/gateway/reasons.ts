import { DIMENSIONS } from '#contracts/grant';
import type { Reason } from '#contracts/reason';

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
