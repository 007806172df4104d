/**
 * Converts a column of type `bigint`, which the driver reads as text, to a number; for TypeORM's `transformer`. Positions,
 * sizes and times in milliseconds are below 2^53. @throws if the column is NULL or was not selected
 */
export const bigintAsNumber = {
  from: (stored: string): number => {
    if (typeof stored !== 'string') throw new Error('a column of type bigint is NULL or was not selected');
    return Number(stored);
  },
  to: (value: unknown): unknown => value,
};

/** Reads NULL as undefined; for TypeORM's `transformer`. */
export const nullAsUndefined = {
  from: <T>(stored: T | null): T | undefined => stored ?? undefined,
  to: (value: unknown): unknown => value,
};
