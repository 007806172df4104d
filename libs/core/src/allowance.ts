/** A burst of actions, and one more action after each interval of `everyMs`. */
export interface Rate {
  readonly burst: number;
  readonly everyMs: number;
}

/*
 * A token bucket stored as one number: the time at which it is full again (the generic cell rate algorithm, ITU-T
 * I.371). Undefined, or a time in the past, is a full bucket: discarding it loses nothing.
 */

/** Reports whether the bucket holds a token. */
export const hasRoom = (fullAt: number | undefined, now: number, { burst, everyMs }: Rate): boolean =>
  Math.max(fullAt ?? 0, now) - now <= (burst - 1) * everyMs;

/** Returns the bucket after one token is taken. Tokens taken beyond an empty bucket do not accumulate as debt. */
export const take = (fullAt: number | undefined, now: number, { burst, everyMs }: Rate): number =>
  Math.min(Math.max(fullAt ?? 0, now) + everyMs, now + burst * everyMs);
