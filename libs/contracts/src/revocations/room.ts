import type { Refusal } from '../reason';

/**
 * The members by which a refusal `TOO_MANY` states that a log has no room for another suspension. A queue that is full
 * gives the same code without them: then nothing is known about the log.
 */
export const NO_ROOM_FOR_SUSPENSIONS = { noRoomFor: 'suspensions' } as const;

/** Reports whether a suspension was refused because as many apply, or are kept, as may: a revocation would not be. */
export const lacksRoomForSuspensions = ({ code, extra }: Pick<Refusal, 'code' | 'extra'>): boolean =>
  code === 'TOO_MANY' && extra?.noRoomFor === NO_ROOM_FOR_SUSPENSIONS.noRoomFor;
