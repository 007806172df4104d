/**
 * Converts a column of type `bigint`, which the driver reads as text, to a number; for TypeORM's `transformer`. Positions,
 * sizes and times in milliseconds are below 2^53.
 */
export const bigintAsNumber = {
  from: (stored: string): number => Number(stored),
  to: (value: unknown): unknown => value,
};

/** Reads NULL as undefined; for TypeORM's `transformer`. */
export const nullAsUndefined = {
  from: <T>(stored: T | null): T | undefined => stored ?? undefined,
  to: (value: unknown): unknown => value,
};
