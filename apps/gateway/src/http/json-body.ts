import { isUtf8 } from 'node:buffer';
import { CANONICAL_DEPTH, canonicalize } from '@bailiwick/core/canonical';
import { LIMITS } from '@bailiwick/core/limits';
import { ambiguityIn, exceedsValues } from '@bailiwick/core/json';
import { Refused } from './problem';

/**
 * The bytes of a body → its JSON value.
 * @throws Refused TOO_LARGE for one of more values than all of it can be looked at in a few milliseconds; BAD_REQUEST for what is no JSON, or none that a digest could tell apart from another
 */
export function readBody(body: Buffer | undefined): unknown {
  if (body === undefined || body.length === 0) throw new Refused('BAD_REQUEST', 'a JSON body is needed');
  try {
    if (!isUtf8(body)) throw new Error('it is not UTF-8');
    const text = body.toString();
    if (exceedsValues(text, LIMITS.httpBodyValues))
      throw new Refused(
        'TOO_LARGE',
        `the body has more than ${LIMITS.httpBodyValues} values; send argsDigest in place of arguments of that many`,
      );
    const value = JSON.parse(text) as unknown;
    // Half a character or a bottomless object has no canonical form. An owner that met one inside a batch would have
    // to drop the batch, and with it what others asked for.
    if (HALF_CHARACTER.test(text) || text.split(OPENING, CANONICAL_DEPTH).length >= CANONICAL_DEPTH)
      canonicalize(value);
    if (HIDDEN_MEMBER.test(text) && hidesMember(value)) throw new Error('a member must not be called __proto__');
    const wrong = ambiguityIn(text);
    if (wrong !== undefined) throw new Error(wrong);
    return value;
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused('BAD_REQUEST', `the body is no JSON that can be kept: ${(error as Error).message}`);
  }
}

/** Only an escape can spell one, since the bytes are UTF-8. */
const HALF_CHARACTER = /\\ud[89a-f]/i;
const OPENING = /[[{]/;

/**
 * Written out, or with escapes. Schemas skip such a member, so arguments with it and without it would have one digest,
 * and an approval of the one be good for the other (I8).
 */
const HIDDEN_MEMBER = /__proto__|\\u00/i;
function hidesMember(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hidesMember);
}
