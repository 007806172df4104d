import { z } from 'zod';

/** A whole number in a path or query, in its only form: not empty, not hexadecimal, without an exponent. */
export const wholeNumber = (min: number, max: number = Number.MAX_SAFE_INTEGER) =>
  z.preprocess(
    (text) => (typeof text === 'string' && /^(0|-?[1-9]\d{0,15})$/.test(text) ? Number(text) : text),
    z.number('must be a whole number').int().min(min).max(max),
  );
