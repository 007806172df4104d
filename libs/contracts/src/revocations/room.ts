import type { Refusal } from '../reason';

/**
 * The members by which a refusal `TOO_MANY` states that a log has no room for another suspension. A queue that is full
 * gives the same code without them: then nothing is known about the log.
 */
export const NO_ROOM_FOR_SUSPENSIONS = { noRoomFor: 'suspensions' } as const;

/** Reports whether a suspension was refused because as many apply, or are kept, as may: a revocation would not be. */
export const lacksRoomForSuspensions = ({ code, extra }: Pick<Refusal, 'code' | 'extra'>): boolean =>
  code === 'TOO_MANY' && extra?.noRoomFor === NO_ROOM_FOR_SUSPENSIONS.noRoomFor;

/** The member by which a refusal `CONFLICT` states that a revocation in force stops all that another one would. */
export const inForceAlready = ({ revocationId }: { readonly revocationId: string }) => ({ inForce: revocationId });

/** Reports whether a revocation was refused because one in force stops all of it. */
export const isInForceAlready = ({ code, extra }: Pick<Refusal, 'code' | 'extra'>): boolean =>
  code === 'CONFLICT' && typeof extra?.inForce === 'string';
