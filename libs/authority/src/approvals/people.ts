import type { Actor } from '@bailiwick/contracts/events/event';
import { personOf } from '@bailiwick/core/same-person';

/*
 * A person with several keys has one id in all of them (`user:ada@example.com`); a shared key (`key:approver`) counts as
 * one person.
 */

/** Reports whether an actor is a person, also one whose key has the role of a service. */
export const isPerson = ({ kind, id }: Actor): boolean =>
  kind === 'person' || (kind === 'service' && id.startsWith('user:'));

export const isSamePerson = (a: string, b: string): boolean => a === b || personOf(a) === personOf(b);
