import { selectorFault } from '@bailiwick/authority/revocation/selector-fault';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';

/** The selectors of revocations by a security event token. Pure. */

/**
 * Returns selectors of what a subject names. Its members narrow each other, and any alternative of a member will do. An
 * alternative that the owner of a log would refuse can name nothing that exists there, since names of agents have the same
 * rule: it is left out, so that it does not keep the others from having an effect, and so is a member without alternatives.
 * What exceeds the size of one selector is widened by leaving out members, the largest first, and the last one is divided
 * among several selectors: more is stopped, rather than less.
 * @param members for each member, its alternatives
 * @returns none if nothing can be named; always the same ones, in the same order, for the same members
 */
export function selectorsOf(members: readonly (readonly StoredSelector[])[]): StoredSelector[] {
  const named = members.map(usable).filter((alternatives) => alternatives.length > 0);
  while (named.length > 1 && selectorFault(joined(named))) named.splice(largestOf(named), 1);
  const [first] = named;
  if (named.length > 1) return [joined(named)];
  return first ? divided(first) : [];
}

function usable(alternatives: readonly StoredSelector[]): StoredSelector[] {
  const distinct = new Map(alternatives.map((each) => [JSON.stringify(each), each]));
  return [...distinct.values()].filter((each) => selectorFault(each) === undefined);
}

/** Of several that are largest, the last one: the user comes first. */
const largestOf = (named: readonly StoredSelector[][]): number =>
  named.map(({ length }) => length).lastIndexOf(Math.max(...named.map(({ length }) => length)));

const joined = (named: readonly StoredSelector[][]): StoredSelector => ({ all: named.map(anyOf) });

const anyOf = (alternatives: StoredSelector[]): StoredSelector =>
  alternatives.length === 1 ? (alternatives[0] as StoredSelector) : { any: alternatives };

function divided(alternatives: StoredSelector[]): StoredSelector[] {
  const whole = anyOf(alternatives);
  if (alternatives.length === 1 || selectorFault(whole) === undefined) return [whole];
  const half = alternatives.length >> 1;
  return [...divided(alternatives.slice(0, half)), ...divided(alternatives.slice(half))];
}
