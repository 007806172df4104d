import type { Actor } from '@bailiwick/contracts/events/event';

/*
 * A person with several keys has one id in all of them (`user:ada@example.com`); a shared key (`key:approver`) counts as
 * one person.
 */

/** Reports whether an actor is a person, also one whose key has the role of a service. */
export const isPerson = ({ kind, id }: Actor): boolean =>
  kind === 'person' || (kind === 'service' && id.startsWith('user:'));

/** Returns the one spelling of the id of a person: the same as of the refs of people. */
export const personOf = (id: string): string =>
  id
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim()
    .toLowerCase();

export const isSamePerson = (a: string, b: string): boolean => a === b || personOf(a) === personOf(b);
