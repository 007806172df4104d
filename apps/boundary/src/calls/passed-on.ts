import type { AnsweredObligation } from '@bailiwick/contracts/obligations/obligation';
import { err, ok, type Result } from '@bailiwick/core/result';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { RequestOptions, UpstreamAnswer } from '../upstream/connection';
import { fulfilled } from './obligations';

/**
 * Returns what the agent gets of the answer of an upstream: all of it, or a result reduced as the permit obliges. An error
 * has no fields that could be removed, and of other results than those of tools it is not known where they are.
 * @returns as the error, why the answer must be withheld
 */
export function passedOn(
  answer: UpstreamAnswer,
  duties: readonly AnsweredObligation[],
  isCall: boolean,
): Result<UpstreamAnswer, string> {
  const size = Buffer.byteLength(answer.ok ? answer.result : JSON.stringify(answer.error));
  if (size > BOUNDARY_LIMITS.resultBytes) return err(`it is larger than ${BOUNDARY_LIMITS.resultBytes} bytes`);
  if (duties.length === 0) return ok(answer);
  if (!answer.ok) return err('fields must be removed from the result, and it is an error');
  if (!isCall) return err('fields must be removed from the result, and it is not that of a tool');
  const reduced = fulfilled(answer.result, duties);
  return reduced.ok ? ok({ ok: true, result: reduced.value }) : reduced;
}

/** Reduces progress notifications to their numbers if fields must be removed: their texts cannot be known to be free of them. */
export function progressUnder(
  onProgress: RequestOptions['onProgress'],
  duties: readonly AnsweredObligation[],
): RequestOptions['onProgress'] {
  if (!onProgress || duties.length === 0) return onProgress;
  return ({ progress, total }) =>
    onProgress({
      ...(typeof progress === 'number' ? { progress } : {}),
      ...(typeof total === 'number' ? { total } : {}),
    });
}
