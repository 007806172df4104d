import { remembered } from '@bailiwick/core/memo';
import { matchesVerb } from '../verbs/verb';
import { keyOf, wordsOf } from '../verbs/verb-words';

/** A pattern of verbs and what it stands for. */
export interface Pattern<T> {
  /** normalized */
  readonly pattern: string;
  readonly of: T;
}

/**
 * Compares two patterns with wildcards by how specific they are; the first to apply precedes. More segments without
 * wildcards precede fewer; then a pattern that names the first segment precedes one that does not, since the noun states
 * more than the verb; then fewer `**`. Patterns that are equal in this keep the order of the bundle.
 */
export function bySpecificity(a: string, b: string): number {
  const [one, other] = [traitsOf(a), traitsOf(b)];
  return (
    other.literals - one.literals ||
    Number(other.startsLiteral) - Number(one.startsLiteral) ||
    one.anyLength - other.anyLength
  );
}

const isLiteral = (segment: string | undefined): segment is string => segment !== undefined && !segment.includes('*');

const traitsOf = remembered((pattern) => {
  const segments = pattern.split('.');
  return {
    literals: segments.filter(isLiteral).length,
    startsLiteral: isLiteral(segments[0]),
    anyLength: segments.filter((each) => each === '**').length,
  };
}, 10_000);

interface Ranked<T> extends Pattern<T> {
  readonly rank: number;
}

/**
 * Finds what the patterns of a catalog state about a verb, without comparing it with each pattern: exact ones are found
 * by the verb or its words, the others by their first segment, or by the last one if the first is a wildcard.
 */
export class VerbIndex<T> {
  private readonly exact = new Map<string, T>();
  private readonly byWords = new Map<string, T>();
  private readonly byFirst = new Map<string, Ranked<T>[]>();
  private readonly byLast = new Map<string, Ranked<T>[]>();
  private readonly rest: Ranked<T>[] = [];

  /** @param patterns in the order of the bundle; the first of two equal ones counts */
  constructor(patterns: readonly Pattern<T>[]) {
    const [exact, general] = [patterns.filter(isExact), patterns.filter((each) => !isExact(each))];
    for (const { pattern, of } of exact) {
      putIfAbsent(this.exact, pattern, of);
      putIfAbsent(this.byWords, keyOf(wordsOf(pattern)), of);
    }
    const ranked = general
      .toSorted((a, b) => bySpecificity(a.pattern, b.pattern))
      .map((each, rank): Ranked<T> => ({ ...each, rank }));
    for (const each of ranked) this.listOf(each.pattern).push(each);
  }

  /** @param verb normalized */
  findExact(verb: string): T | undefined {
    return this.exact.get(verb);
  }

  /** Finds an exact pattern of the same words, in any order and notation. @param spelled as the caller wrote it */
  findByWords(spelled: string): T | undefined {
    return this.byWords.get(keyOf(wordsOf(spelled)));
  }

  /** Finds the most specific pattern with wildcards that covers the verb. @param verb normalized */
  findPattern(verb: string): T | undefined {
    const first = verb.slice(0, verb.indexOf('.') >>> 0);
    const last = verb.slice(verb.lastIndexOf('.') + 1);
    let best: Ranked<T> | undefined;
    for (const list of [this.byFirst.get(first), this.byLast.get(last), this.rest]) {
      const found = list?.find(({ pattern }) => matchesVerb(pattern, verb));
      if (found && (best === undefined || found.rank < best.rank)) best = found;
    }
    return best?.of;
  }

  private listOf(pattern: string): Ranked<T>[] {
    const segments = pattern.split('.');
    const [first, last] = [segments[0], segments[segments.length - 1]];
    if (isLiteral(first)) return listAt(this.byFirst, first);
    return isLiteral(last) ? listAt(this.byLast, last) : this.rest;
  }
}

const isExact = ({ pattern }: { readonly pattern: string }): boolean => !pattern.includes('*');

function putIfAbsent<T>(map: Map<string, T>, key: string, value: T): void {
  if (!map.has(key)) map.set(key, value);
}

function listAt<T>(map: Map<string, T[]>, key: string): T[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}
