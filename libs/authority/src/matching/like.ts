import type { Work } from './work';

/** A pattern of whole texts, by UTF-16 unit: literal characters, and `ANY` for any text, also none. */
export type TextPattern = readonly (string | typeof ANY)[];
export const ANY = Symbol('*');

/** Parses the operand of `like`: `*` stands for any text, every other character for itself. */
export const likePattern = (like: string): TextPattern => like.split('').map((each) => (each === '*' ? ANY : each));
export const prefixPattern = (prefix: string): TextPattern => [...prefix.split(''), ANY];
export const suffixPattern = (suffix: string): TextPattern => [ANY, ...suffix.split('')];
export const textPattern = (text: string): TextPattern => text.split('');

/** Reports whether a text matches the operand of `like`. It takes at most pattern × text steps. */
export function matchesLike(like: string, text: string): boolean {
  let [p, t, star, taken] = [0, 0, -1, 0];
  while (t < text.length) {
    if (like[p] === '*') {
      star = p++;
      taken = t;
    } else if (p < like.length && like[p] === text[t]) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++taken;
    } else return false;
  }
  while (like[p] === '*') p++;
  return p === like.length;
}

/**
 * Reports whether every text that matches all of `all` matches one of `some`. The result is exact: the patterns are
 * automata over the characters that they name plus one character for all others, and a reachable combination of states in
 * which all of `all` accept and none of `some` does is a counterexample. The work is bounded; beyond the bound the result
 * is false (I11).
 * @see Hopcroft, Motwani, Ullman: Introduction to Automata Theory, §4.3 (emptiness of a difference)
 */
export function textsInside(all: readonly TextPattern[], some: readonly TextPattern[], work: Work): boolean {
  work.left -= [...all, ...some].reduce((sum, pattern) => sum + pattern.length, 0) / COMPILED_AT_ONCE;
  if (work.left < 0) return false;
  const narrow = all.map(compile);
  const wide = some.map(compile);
  const start: States = { narrow: narrow.map(first), wide: wide.map(first) };
  const seen = new Set([keyOf(start)]);
  for (const open = [start]; open.length > 0;) {
    const states = open.pop() as States;
    if (isCounterexample(states, narrow, wide)) return false;
    const characters = charactersAt(states, narrow, wide);
    work.left -= characters.size / COMPILED_AT_ONCE;
    for (const character of characters) {
      work.left -= narrow.length + wide.length;
      if (work.left < 0) return false;
      const next: States = {
        narrow: narrow.map((automaton, i) => step(automaton, states.narrow[i] as bigint, character)),
        wide: wide.map((automaton, i) => step(automaton, states.wide[i] as bigint, character)),
      };
      const key = keyOf(next);
      // a pattern without a state matches no longer text
      if (next.narrow.includes(0n) || seen.has(key)) continue;
      seen.add(key);
      open.push(next);
    }
  }
  return true;
}

/** Characters that are compiled for one unit of work. */
const COMPILED_AT_ONCE = 4;

/** A compiled pattern. Bit i of a mask: the position before token i. Bit `end`: the whole pattern is matched. */
interface Automaton {
  readonly end: bigint;
  /** positions before `ANY` */
  readonly any: bigint;
  readonly literals: ReadonlyMap<string, bigint>;
}

interface States {
  readonly narrow: readonly bigint[];
  readonly wide: readonly bigint[];
}

function compile(pattern: TextPattern): Automaton {
  const tokens = pattern.filter((token, i) => token !== ANY || pattern[i - 1] !== ANY);
  let any = 0n;
  const literals = new Map<string, bigint>();
  tokens.forEach((token, i) => {
    const bit = 1n << BigInt(i);
    if (token === ANY) any |= bit;
    else literals.set(token, (literals.get(token) ?? 0n) | bit);
  });
  return { end: 1n << BigInt(tokens.length), any, literals };
}

/** Adds the position after each `ANY`, which may match no text. */
const closed = ({ any }: Automaton, states: bigint): bigint => states | ((states & any) << 1n);
const first = (automaton: Automaton): bigint => closed(automaton, 1n);

/** Returns the positions after one more character; `undefined` is a character that no pattern names. */
function step(automaton: Automaton, states: bigint, character: string | undefined): bigint {
  const named = character === undefined ? 0n : (automaton.literals.get(character) ?? 0n);
  return closed(automaton, (states & automaton.any) | ((states & named) << 1n));
}

const accepts = ({ end }: Automaton, states: bigint | undefined): boolean => ((states as bigint) & end) !== 0n;

const isCounterexample = (states: States, narrow: readonly Automaton[], wide: readonly Automaton[]): boolean =>
  narrow.every((automaton, i) => accepts(automaton, states.narrow[i])) &&
  !wide.some((automaton, i) => accepts(automaton, states.wide[i]));

const keyOf = ({ narrow, wide }: States): string => [...narrow, ...wide].map((each) => each.toString(36)).join(' ');

/** Returns the characters to distinguish here: those named at the current positions, and one other. */
function charactersAt(
  states: States,
  narrow: readonly Automaton[],
  wide: readonly Automaton[],
): Set<string | undefined> {
  const characters = new Set<string | undefined>([undefined]);
  const add = ({ literals }: Automaton, at: bigint | undefined): void => {
    for (const [character, mask] of literals) if ((mask & (at as bigint)) !== 0n) characters.add(character);
  };
  narrow.forEach((automaton, i) => add(automaton, states.narrow[i]));
  wide.forEach((automaton, i) => add(automaton, states.wide[i]));
  return characters;
}
