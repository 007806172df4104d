import { LIMITS } from '@bailiwick/core/limits';
import { collapse } from './pattern';

/** The segments of a pattern: literals, `*` (exactly one), `**` (zero or more). */
export type Segments = readonly string[];

/**
 * Reports whether some of `parents` match every name that `child` matches. A name has at least one segment. The result
 * is exact for unions too: [`a`] and [`a`, `*`, `**`] together cover [`a`, `**`], neither alone does. Both sides are
 * automata over the named segments plus one segment for all others; a reachable pair of states in which the child
 * accepts and no parent does is a counterexample. Without a counterexample it is inclusion. The work is bounded; beyond
 * the bound the result is false (I11): a delegation may be refused for being too intricate, and is never granted for
 * it. Several comparisons of one delegation share one allowance of work.
 * @see Hopcroft, Motwani, Ullman: Introduction to Automata Theory, §4.3 (emptiness of L(child) − L(parents))
 */
export function includes(parents: readonly Segments[], child: Segments, work: Work = allowance()): boolean {
  const same = (parent: Segments): boolean =>
    parent.length === child.length && parent.every((each, i) => each === child[i]);
  if (parents.some(same)) return true;
  if (work.left < 0) return false;
  // a pattern without a common name covers no part of the child, alone or together with others
  const near = parents.filter((parent) => !areApart(parent, child));
  work.left -= parents.length + COMPILING * [child, ...near].reduce((sum, each) => sum + each.length, 0);
  if (work.left < 0) return false;
  const narrow = compile(child);
  const wide = near.map(compile);
  // usually one parent covers all of it; a product with the others would only be larger
  return wide.some((parent) => covered([parent], narrow, work)) || (wide.length > 1 && covered(wide, narrow, work));
}

/** Reports whether no name matches both: a literal at the same distance from the start, or from the end, differs. */
function areApart(a: Segments, b: Segments): boolean {
  return differ(a, b) || differ(a.toReversed(), b.toReversed());
}

function differ(a: Segments, b: Segments): boolean {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const [one, other] = [a[i], b[i]];
    if (one === '**' || other === '**') return false;
    if (one !== other && one !== '*' && other !== '*') return true;
  }
  return false;
}

/** The remaining allowance: one unit for each step of one pattern by one segment. */
export interface Work {
  left: number;
}
export const allowance = (): Work => ({ left: LIMITS.inclusionWork });
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
  readonly literals: ReadonlyMap<string, bigint>;
}

function compile(pattern: Segments): Automaton {
  // no two ** in a row, so that one step over a ** never leads to another
  const tokens = collapse(pattern);
  let [wild, deep] = [0n, 0n];
  const literals = new Map<string, bigint>();
  tokens.forEach((token, i) => {
    const bit = 1n << BigInt(i);
    if (token === '**') deep |= bit;
    if (token === '*' || token === '**') wild |= bit;
    else literals.set(token, (literals.get(token) ?? 0n) | bit);
  });
  const end = 1n << BigInt(tokens.length);
  return { end, wild, deep, rest: deep & (end >> 1n), literals };
}

/** Adds the positions after each `**`, which may match no segment. */
const closed = (pattern: Automaton, states: bigint): bigint => states | ((states & pattern.deep) << 1n);

/** Returns the positions of a pattern after one more segment; `undefined` is a segment that no pattern names. */
function step(pattern: Automaton, states: bigint, segment: string | undefined): bigint {
  const named = segment === undefined ? 0n : (pattern.literals.get(segment) ?? 0n);
  const stays = states & pattern.deep;
  const moves = states & (pattern.wild | named) & ~pattern.deep;
  return closed(pattern, stays | (moves << 1n));
}

interface Pair {
  readonly child: bigint;
  readonly parents: readonly bigint[];
}

/** Searches for a counterexample depth first: any order finds one if there is one. */
function covered(parents: readonly Automaton[], child: Automaton, work: Work): boolean {
  const start: Pair = { child: closed(child, 1n), parents: parents.map((parent) => closed(parent, 1n)) };
  const seen = new Set<string>([keyOf(start)]);
  const open = [start];
  for (let pair = open.pop(); pair; pair = open.pop()) {
    if (pair.parents.some((states, i) => (states & (parents[i] as Automaton).rest) !== 0n)) continue;
    for (const segment of distinctSegments(pair, parents, child)) {
      const next = step(child, pair.child, segment);
      if (next === 0n) continue;
      work.left -= parents.length + 1;
      if (work.left < 0) return false;
      const states = pair.parents.map((each, i) => (each === 0n ? 0n : step(parents[i] as Automaton, each, segment)));
      // the child can reach an end from any of its positions
      if (states.every((each) => each === 0n)) return false;
      const accepts = states.some((each, i) => (each & (parents[i] as Automaton).end) !== 0n);
      if ((next & child.end) !== 0n && !accepts) return false;
      const after: Pair = { child: next, parents: states };
      const key = keyOf(after);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push(after);
    }
  }
  return true;
}

const keyOf = (pair: Pair): string =>
  `${pair.child.toString(36)} ${pair.parents.map((each) => each.toString(36)).join(' ')}`;

/** Returns the segments to distinguish here: those named at the current positions, and one other. */
function distinctSegments(pair: Pair, parents: readonly Automaton[], child: Automaton): Set<string | undefined> {
  const segments = new Set<string | undefined>();
  for (const [literal, mask] of child.literals) if ((mask & pair.child) !== 0n) segments.add(literal);
  if ((pair.child & child.wild) === 0n) return segments;
  segments.add(undefined);
  pair.parents.forEach((states, i) => {
    if (states === 0n) return;
    for (const [literal, mask] of (parents[i] as Automaton).literals) if ((mask & states) !== 0n) segments.add(literal);
  });
  return segments;
}
