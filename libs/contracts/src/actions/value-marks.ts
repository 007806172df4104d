import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';

/**
 * The marks of the values of a call or a result, as its event has them: HMACs of their digests with a random key of the
 * tree, 48 bits each in base64url. Within a tree, equal values have equal marks. The key is stored like a payload and erased
 * with it; from then on marks show only which steps of the tree had an equal value.
 */
const mark = z.string().regex(/^[A-Za-z0-9_-]{8}$/, 'must be 48 bits in base64url');
const marksOf = (most: number) =>
  z.union([
    z.array(mark).max(most),
    /** the enforcement point stated values, and the key of the tree is erased or could not be read */
    z.literal('unavailable'),
  ]);

export const argumentMarks = marksOf(LIMITS.valuesPerCall);
export const resultMarks = marksOf(LIMITS.valuesPerResult);
export type ValueMarks = readonly string[] | 'unavailable';
