import { isUtf8 } from 'node:buffer';
import { CANONICAL_DEPTH, canonicalize } from '@bailiwick/core/canonical';
import { LIMITS } from '@bailiwick/core/limits';
import { ambiguityIn, exceedsValues } from '@bailiwick/core/json';
import { Refused } from './refused';

/**
 * Parses the JSON of a body.
 * @throws Refused TOO_LARGE if it has more values than can be checked in a few milliseconds; BAD_REQUEST if it is not
 * JSON, or if it is ambiguous and so could share its digest with another body
 */
export function readBody(body: Buffer | undefined): unknown {
  if (body === undefined || body.length === 0) throw new Refused('BAD_REQUEST', 'a JSON body is required');
  try {
    if (!isUtf8(body)) throw new Error('it is not UTF-8');
    const text = body.toString();
    if (exceedsValues(text, LIMITS.httpBodyValues))
      throw new Refused(
        'TOO_LARGE',
        `the body has more than ${LIMITS.httpBodyValues} values; send argsDigest in place of arguments of that many`,
      );
    const value = JSON.parse(text) as unknown;
    // Half a character or a too deep object has no canonical form. An owner that found one inside a batch would have to
    // drop the batch, with the commands of other callers.
    if (HALF_CHARACTER.test(text) || text.split(OPENING, CANONICAL_DEPTH).length >= CANONICAL_DEPTH)
      canonicalize(value);
    if (HIDDEN_MEMBER.test(text) && hidesMember(value)) throw new Error('a member must not be called __proto__');
    const wrong = ambiguityIn(text);
    if (wrong !== undefined) throw new Error(wrong);
    return value;
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused('BAD_REQUEST', `The request body is not valid JSON: ${(error as Error).message}`);
  }
}

/** Matches the escape of half a character; the bytes are UTF-8 and cannot contain one directly. */
const HALF_CHARACTER = /\\ud[89a-f]/i;
const OPENING = /[[{]/;

/**
 * Matches the member name `__proto__`, plain or with escapes. Schemas skip such a member, so arguments with and without it
 * would share a digest, and an approval of one would also permit the other (I8).
 */
const HIDDEN_MEMBER = /__proto__|\\u00/i;
function hidesMember(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hidesMember);
}
