import type { Work } from './work';
import { isGlob } from './glob';

/**
 * The segments that a set of patterns does not distinguish: those that match the same of its globs as spelled, and the same
 * of its exceptions as folded.
 */
export interface SegmentClass {
  readonly texts: readonly string[];
  readonly folds: readonly string[];
}

/**
 * Returns every class of segments: each combination of `texts` and `folds` that some segment matches. `texts` are globs
 * over the segment as spelled; `folds` are globs and literals over its folded form.
 *
 * All of them are automata that read one segment, character by character. An ASCII letter reads as itself in `texts` and
 * in lower case in `folds`, since folded letters are compared without their marks joined (NFD). Any other character may
 * fold to any text that is not empty (`ﬁ` to `fi`), so it is taken to: this can only add a class, never lose one. The
 * classes are therefore complete, and exact unless a glob and an exception differ in other characters than those of
 * ASCII. The work is bounded; beyond it the result is undefined.
 */
export function segmentClasses(
  texts: readonly string[],
  folds: readonly string[],
  work: Work,
): readonly SegmentClass[] | undefined {
  const [spelled, folding] = [
    texts.map((each) => compile(each, false)),
    folds.map((each) => compile(each.normalize('NFD'), true)),
  ];
  const start: Reading = {
    texts: spelled.map(first),
    folds: folding.map(first),
    folding: texts.length === 0 ? 'open' : 'done',
  };
  const classes = new Map<string, SegmentClass>();
  const seen = new Set([keyOf(start)]);
  const open = [start];
  for (let at = open.pop(); at; at = open.pop()) {
    const found: SegmentClass | undefined =
      at.folding === 'owed'
        ? undefined
        : {
            texts: texts.filter((_, i) => accepts(spelled[i] as Automaton, at.texts[i] as bigint)),
            folds: folds.filter((_, i) => accepts(folding[i] as Automaton, at.folds[i] as bigint)),
          };
    if (found) classes.set(JSON.stringify(found), found);
    for (const next of readingsAfter(at, spelled, folding)) {
      work.left -= (texts.length + folds.length) / READ_AT_ONCE;
      if (work.left < 0) return undefined;
      const key = keyOf(next);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push(next);
    }
  }
  return [...classes.values()];
}

/** Characters that are read for one unit of work. */
const READ_AT_ONCE = 4;

/** A compiled pattern of one segment. Bit i of a mask: the position before token i. Bit `end`: the whole is matched. */
interface Automaton {
  readonly end: bigint;
  /** positions before `*` */
  readonly any: bigint;
  readonly literals: ReadonlyMap<string, bigint>;
  /** dots and spaces may follow the end */
  readonly hasTail: boolean;
}

function compile(pattern: string, folds: boolean): Automaton {
  const tokens = pattern.split('').filter((token, i, all) => token !== '*' || all[i - 1] !== '*');
  let any = 0n;
  const literals = new Map<string, bigint>();
  tokens.forEach((token, i) => {
    const bit = 1n << BigInt(i);
    if (token === '*') any |= bit;
    else literals.set(token, (literals.get(token) ?? 0n) | bit);
  });
  // a name of dots alone is folded to itself
  const hasTail = folds && (isGlob(pattern) || !/^[. ]*$/.test(pattern));
  return { end: 1n << BigInt(tokens.length), any, literals, hasTail };
}

const closed = ({ any }: Automaton, states: bigint): bigint => states | ((states & any) << 1n);
const first = (automaton: Automaton): bigint => closed(automaton, 1n);
const accepts = ({ end }: Automaton, states: bigint): boolean => (states & end) !== 0n;
const isTail = (character: string | undefined): boolean => character === '.' || character === ' ';

/** Returns the positions after one more character; `undefined` is a character that no pattern names. */
function step(automaton: Automaton, states: bigint, character: string | undefined): bigint {
  const named = character === undefined ? 0n : (automaton.literals.get(character) ?? 0n);
  const tail = automaton.hasTail && isTail(character) ? states & automaton.end : 0n;
  return tail | closed(automaton, (states & automaton.any) | ((states & named) << 1n));
}

/** The positions after the start of a segment. */
interface Reading {
  readonly texts: readonly bigint[];
  readonly folds: readonly bigint[];
  /** whether the folded form of the last character may continue in any way, or has yet to start */
  readonly folding: 'done' | 'open' | 'owed';
}

const keyOf = ({ texts, folds, folding }: Reading): string =>
  `${[...texts, ...folds].map((each) => each.toString(36)).join(' ')} ${folding}`;

function* readingsAfter(at: Reading, spelled: readonly Automaton[], folding: readonly Automaton[]): Generator<Reading> {
  const read = (from: readonly bigint[], character: string | undefined): bigint[] =>
    from.map((states, i) => step(spelled[i] as Automaton, states, character));
  const fold = (character: string | undefined): bigint[] =>
    at.folds.map((states, i) => step(folding[i] as Automaton, states, character));
  const folds = namedAt(at.folds, folding);
  if (at.folding !== 'done')
    for (const character of [...folds, undefined]) yield { ...at, folds: fold(character), folding: 'open' };
  if (spelled.length === 0 || at.folding === 'owed') return;
  const texts = namedAt(at.texts, spelled);
  const plain = new Set([...texts, ...folds, ...[...folds].map((each) => each.toUpperCase())].filter(isAscii));
  for (const character of plain)
    yield { texts: read(at.texts, character), folds: fold(character.toLowerCase()), folding: 'done' };
  yield { texts: read(at.texts, undefined), folds: fold(undefined), folding: 'done' };
  if (folding.length === 0) {
    for (const character of texts)
      if (!isAscii(character)) yield { texts: read(at.texts, character), folds: at.folds, folding: 'done' };
    return;
  }
  for (const character of [...[...texts].filter((each) => !isAscii(each)), undefined])
    yield { texts: read(at.texts, character), folds: at.folds, folding: owes(character) ? 'owed' : 'open' };
}

/** Each character folds to at least one; half of a character may fold to none. */
const owes = (character: string | undefined): boolean => character === undefined || !/[\ud800-\udfff]/.test(character);
const isAscii = (character: string): boolean => character.length === 1 && character < '\u0080';

/** Returns the characters that are named at these positions. */
function namedAt(positions: readonly bigint[], automata: readonly Automaton[]): Set<string> {
  const found = new Set<string>();
  automata.forEach(({ literals, end, hasTail }, i) => {
    const at = positions[i] as bigint;
    for (const [character, mask] of literals) if ((mask & at) !== 0n) found.add(character);
    if (hasTail && (at & end) !== 0n) found.add('.').add(' ');
  });
  return found;
}
