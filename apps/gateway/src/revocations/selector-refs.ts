import type { SelectorBody } from '@bailiwick/contracts/http/bodies';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';

/** The refs by which events name people and purposes. */
export interface Refs {
  readonly person: (name: string) => string;
  readonly purpose: (text: string) => string;
}

/** Returns a selector with refs in place of the names of people and the texts of purposes, in all of its parts. */
export function storedSelectorOf(selector: SelectorBody, refs: Refs): StoredSelector {
  const { principal, purpose, approver, all, any, not, ...rest } = selector;
  const inner = (part: SelectorBody): StoredSelector => storedSelectorOf(part, refs);
  return {
    ...rest,
    ...(principal === undefined ? {} : { principalRef: refs.person(principal) }),
    ...(purpose === undefined ? {} : { purposeRef: refs.purpose(purpose) }),
    // a shared key is named as itself, since it is no person
    ...(approver === undefined ? {} : { approver: approver.startsWith('key:') ? approver : refs.person(approver) }),
    ...(all === undefined ? {} : { all: all.map(inner) }),
    ...(any === undefined ? {} : { any: any.map(inner) }),
    ...(not === undefined ? {} : { not: inner(not) }),
  };
}
