/** So many at once, and one more after each `everyMs`. */
export interface Rate {
  readonly burst: number;
  readonly everyMs: number;
}

/*
 * A token bucket held as one number: the time at which it is full again (the generic cell rate algorithm, ITU-T I.371).
 * Undefined, or a time that is over, is a full bucket: it takes no room to forget one.
 */

/** Is there one left? */
export const hasRoom = (fullAt: number | undefined, now: number, { burst, everyMs }: Rate): boolean =>
  Math.max(fullAt ?? 0, now) - now <= (burst - 1) * everyMs;

/** The bucket after one was taken. An empty one owes nothing: what was taken beyond it is not waited for. */
export const take = (fullAt: number | undefined, now: number, { burst, everyMs }: Rate): number =>
  Math.min(Math.max(fullAt ?? 0, now) + everyMs, now + burst * everyMs);
