import { LIMITS } from '@bailiwick/core/limits';
import { canMeet, isGlob, matchesFoldedGlob, matchesGlob } from './glob';
import { collapse } from './pattern';
import { segmentClasses, type SegmentClass } from './segment-classes';
import type { Work } from './work';

export type { Work };

/** The segments of a pattern: literals, globs (`*.md`), `*` (exactly one), `**` (zero or more). */
export type Segments = readonly string[];

/**
 * A set of names: those that `match` matches and no pattern of `except` does. Exceptions match without regard to case and
 * compatibility forms: on a system that ignores them, another spelling must not reach what is left out.
 */
export interface Region {
  readonly match: Segments;
  readonly except?: readonly Segments[] | undefined;
}

/** Reports whether some of `parents` match every name that `child` matches. @see covers */
export const includes = (parents: readonly Segments[], child: Segments, work?: Work): boolean =>
  covers(
    parents.map((match) => ({ match })),
    { match: child },
    work,
  );

/**
 * Reports whether every name in `child` is in some of `parents`. A name has at least one segment. The result is exact for
 * unions too: [`a`] and [`a`, `*`, `**`] together cover [`a`, `**`], neither alone does. Both sides are automata over the
 * named segments plus one segment for all others, and one for each class of segments that globs distinguish; a
 * reachable pair of states in which the child accepts and no parent does is a counterexample. Without a counterexample it
 * is inclusion. The work is bounded; beyond the bound the result is false (I11): a delegation may be refused for being
 * too intricate, and is never granted for it. Several comparisons of one delegation share one allowance of work.
 * @see Hopcroft, Motwani, Ullman: Introduction to Automata Theory, §4.3 (emptiness of L(child) − L(parents))
 */
export function covers(parents: readonly Region[], child: Region, work: Work = allowance()): boolean {
  if (parents.some((parent) => isSame(parent.match, child.match) && excludesNoMore(parent, child))) return true;
  if (work.left < 0) return false;
  // a pattern without a common name covers no part of the child, alone or together with others
  const near = parents.filter((parent) => !areApart(parent.match, child.match));
  const segments = [child, ...near].flatMap(({ match, except = [] }) => [match, ...except]);
  work.left -= parents.length + COMPILING * segments.reduce((sum, each) => sum + each.length, 0);
  if (work.left < 0) return false;
  const narrow = compileRegion(child);
  const wide = near.map(compileRegion);
  // usually one parent covers all of it; a product with the others would only be larger. Without one, nothing may be left
  return wide.some((parent) => covered([parent], narrow, work)) || (wide.length !== 1 && covered(wide, narrow, work));
}

const isSame = (a: Segments, b: Segments): boolean => a.length === b.length && a.every((each, i) => each === b[i]);

const excludesNoMore = ({ except: parents = [] }: Region, { except: children = [] }: Region): boolean =>
  parents.every((parent) => children.some((child) => isSame(parent, child)));

/** Reports whether no name matches both: a literal at the same distance from the start, or from the end, differs. */
export function areApart(a: Segments, b: Segments): boolean {
  return differ(a, b) || differ(a.toReversed(), b.toReversed());
}

function differ(a: Segments, b: Segments): boolean {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [one, other] = [a[i], b[i]];
    if (one === '**' || other === '**') return false;
    if (one !== other && one !== '*' && other !== '*' && !canMeet(one as string, other as string)) return true;
  }
  return false;
}

export const allowance = (effort = 1): Work => ({ left: effort * LIMITS.inclusionWork });
/** the cost of compiling, per segment */
const COMPILING = 4;

/** A compiled pattern. Bit i of a mask: the position before token i. Bit `end`: the whole pattern is matched. */
interface Automaton {
  readonly end: bigint;
  /** positions before `*` or `**` */
  readonly wild: bigint;
  readonly deep: bigint;
  /** positions before a `**` that is the last token: any rest is matched */
  readonly rest: bigint;
  /** positions before each literal, and before each glob */
  readonly literals: ReadonlyMap<string, bigint>;
  /** positions before `*`, `**` or a glob */
  readonly open: bigint;
}

/**
 * Returns the form of a segment in which exceptions are compared: without case, compatibility forms, and what some file
 * systems drop at its end: dots, spaces, and the names of a file's own streams. Folding twice changes nothing.
 */
export function folded(text: string): string {
  for (let fold = foldedLetters(text); ;) {
    const shorter = fold.replace(OWN_STREAM, '').replace(/[. ]+$/, '');
    if (shorter === '') return fold;
    if (shorter === fold) return fold;
    fold = shorter;
  }
}
/** Folds only case and compatibility forms. */
export const foldedLetters = (text: string): string =>
  text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
const OWN_STREAM = /:[^:]*:\$(?:data|index_allocation)$/;

function compile(pattern: Segments): Automaton {
  // no two ** in a row, so that one step over a ** never leads to another
  const tokens = collapse(pattern);
  let [wild, deep, open] = [0n, 0n, 0n];
  const literals = new Map<string, bigint>();
  tokens.forEach((token, i) => {
    const bit = 1n << BigInt(i);
    if (token === '**') deep |= bit;
    if (token.includes('*')) open |= bit;
    if (token === '*' || token === '**') wild |= bit;
    else literals.set(token, (literals.get(token) ?? 0n) | bit);
  });
  const end = 1n << BigInt(tokens.length);
  return { end, wild, deep, rest: deep & (end >> 1n), literals, open };
}

/** Adds the positions after each `**`, which may match no segment. */
const closed = (pattern: Automaton, states: bigint): bigint => states | ((states & pattern.deep) << 1n);

/** Returns the positions of a pattern after one more segment, which matches these literals and globs. */
function step(pattern: Automaton, states: bigint, tokens: readonly string[]): bigint {
  let named = 0n;
  for (const token of tokens) named |= pattern.literals.get(token) ?? 0n;
  const stays = states & pattern.deep;
  const moves = states & (pattern.wild | named) & ~pattern.deep;
  return closed(pattern, stays | (moves << 1n));
}

interface CompiledRegion {
  readonly match: Automaton;
  readonly except: readonly Automaton[];
  readonly hasGlobs: boolean;
}
function compileRegion({ match, except = [] }: Region): CompiledRegion {
  const own = compile(match);
  const left = except.map((each) => compile(each.map(folded)));
  const hasGlobs = [own, ...left].some(({ literals }) => [...literals.keys()].some(isGlob));
  return { match: own, except: left, hasGlobs };
}

/** The positions in the patterns of a region. `match` is 0 if no longer name is in the region. */
interface Positions {
  readonly match: bigint;
  readonly except: readonly bigint[];
}

const first = (region: CompiledRegion): Positions => ({
  match: closed(region.match, 1n),
  except: region.except.map((each) => closed(each, 1n)),
});

/** Segments to distinguish, by what matches them: `texts` as they are spelled, `folds` as they are folded. */
type Letter = SegmentClass;

function advance(region: CompiledRegion, at: Positions, { texts, folds }: Letter): Positions {
  if (at.match === 0n) return at;
  const except = region.except.map((each, i) => step(each, at.except[i] as bigint, folds));
  const excludesRest = region.except.some((each, i) => ((except[i] as bigint) & each.rest) !== 0n);
  return { match: excludesRest ? 0n : step(region.match, at.match, texts), except };
}

const accepts = ({ match, except }: CompiledRegion, at: Positions): boolean =>
  (at.match & match.end) !== 0n && !except.some((each, i) => ((at.except[i] as bigint) & each.end) !== 0n);

/** Reports whether every longer name is in the region, too. */
const acceptsRest = ({ match }: CompiledRegion, at: Positions): boolean =>
  (at.match & match.rest) !== 0n && at.except.every((each) => each === 0n);

interface Pair {
  readonly child: Positions;
  readonly parents: readonly Positions[];
}

/** Searches for a counterexample depth first: any order finds one if there is one. */
function covered(parents: readonly CompiledRegion[], child: CompiledRegion, work: Work): boolean {
  const start: Pair = { child: first(child), parents: parents.map(first) };
  const cost = [child, ...parents].reduce((sum, { except }) => sum + 1 + except.length, 0);
  const seen = new Set<string>([keyOf(start)]);
  const open = [start];
  for (let pair = open.pop(); pair; pair = open.pop()) {
    if (pair.parents.some((at, i) => acceptsRest(parents[i] as CompiledRegion, at))) continue;
    const letters = lettersAt(pair, parents, child, work);
    if (!letters) return false;
    for (const letter of letters) {
      const next = advance(child, pair.child, letter);
      if (next.match === 0n) continue;
      work.left -= cost;
      if (work.left < 0) return false;
      const after = pair.parents.map((at, i) => advance(parents[i] as CompiledRegion, at, letter));
      // the child can reach an end from any of its positions, unless it excludes those names
      if (next.except.every((each) => each === 0n) && after.every(({ match }) => match === 0n)) return false;
      if (accepts(child, next) && !after.some((at, i) => accepts(parents[i] as CompiledRegion, at))) return false;
      const reached: Pair = { child: next, parents: after };
      const key = keyOf(reached);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push(reached);
    }
  }
  return true;
}

const keyOf = (pair: Pair): string =>
  [pair.child, ...pair.parents]
    .map(({ match, except }) => [match, ...except].map((each) => each.toString(36)).join(','))
    .join(' ');

/**
 * Returns the segments to distinguish here: those named at the current positions, other spellings of them, the classes that
 * globs distinguish, and one other; undefined if they are too many for the allowance.
 */
function lettersAt(
  pair: Pair,
  parents: readonly CompiledRegion[],
  child: CompiledRegion,
  work: Work,
): Letter[] | undefined {
  const texts = new Set<string>();
  const folds = new Set<string>();
  const add = (to: Set<string>, { literals }: Automaton, at: bigint): void => {
    for (const [literal, mask] of literals) if ((mask & at) !== 0n) to.add(literal);
  };
  add(texts, child.match, pair.child.match);
  const isOpen = (pair.child.match & child.match.open) !== 0n;
  if (!isOpen && !child.hasGlobs && !parents.some(({ hasGlobs }) => hasGlobs))
    return [...texts].map((text) => spelled(text, [], []));
  const own = isOpen ? texts : new Set(texts);
  child.except.forEach((each, i) => add(folds, each, pair.child.except[i] as bigint));
  pair.parents.forEach(({ match, except }, i) => {
    if (match === 0n) return;
    const parent = parents[i] as CompiledRegion;
    add(texts, parent.match, match);
    parent.except.forEach((each, k) => add(folds, each, except[k] as bigint));
  });
  if (folds.has('')) texts.add(''); // only a forged pattern has a segment without text
  const globs = [...texts].filter(isGlob);
  const foldedGlobs = [...folds].filter(isGlob);
  const named = [...own].filter((text) => !isGlob(text)).map((text) => spelled(text, globs, foldedGlobs));
  if (!isOpen) return named;
  const others = [...folds].filter((fold) => fold !== ''); // every other text has a second spelling
  if (globs.length + foldedGlobs.length > 0) {
    // a name that may be the only spelling of an exception inside a glob is a separate letter, and in no class
    const apart = [...texts].filter((text) => !isGlob(text) && folds.has(folded(text)));
    const classes = classesOf([...globs, ...apart], others, work);
    return classes && [...named, ...classes.filter((each) => each.texts.every(isGlob))];
  }
  return [...named, ...others.map((fold) => ({ texts: [], folds: [fold] })), NO_NAMED];
}

const NO_NAMED: Letter = { texts: [], folds: [] };

const spelled = (text: string, globs: readonly string[], foldedGlobs: readonly string[]): Letter => ({
  texts: [text, ...globs.filter((glob) => matchesGlob(glob, text))],
  folds: [folded(text), ...foldedGlobs.filter((glob) => matchesFoldedGlob(glob, foldedLetters(text)))],
});

/** The classes that were found under one allowance, by the patterns that distinguish them. */
const FOUND = new WeakMap<Work, Map<string, readonly Letter[] | undefined>>();

function classesOf(globs: readonly string[], folds: readonly string[], work: Work): readonly Letter[] | undefined {
  const found = FOUND.get(work) ?? new Map<string, readonly Letter[] | undefined>();
  FOUND.set(work, found);
  const key = JSON.stringify([globs.toSorted(), folds.toSorted()]);
  if (!found.has(key)) found.set(key, segmentClasses(globs, folds, work));
  return found.get(key);
}

/** Reports whether some name matches both patterns. */
export function overlaps(a: Segments, b: Segments): boolean {
  const known = new Map<number, boolean>();
  const from = (i: number, j: number): boolean => {
    const key = i * (b.length + 1) + j;
    const before = known.get(key);
    if (before !== undefined) return before;
    const [one, other] = [a[i], b[j]];
    const result =
      (one === '**' && (from(i + 1, j) || (other !== undefined && from(i, j + 1)))) ||
      (other === '**' && (from(i, j + 1) || (one !== undefined && from(i + 1, j)))) ||
      (one === undefined && other === undefined) ||
      (one !== undefined &&
        other !== undefined &&
        one !== '**' &&
        other !== '**' &&
        canMeet(one, other) &&
        from(i + 1, j + 1));
    known.set(key, result);
    return result;
  };
  return from(0, 0);
}
