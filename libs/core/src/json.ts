/**
 * Finds ambiguities that JSON.parse accepts silently and a digest cannot distinguish: two members of one name in an
 * object, and numbers that change when they are read. An approval of one reading would be valid for the other (I8).
 * @param text JSON that has been parsed already: well-formed, and no deeper than canonical JSON may be
 * @returns the place and the kind of the first ambiguity as text, or undefined
 */
export function ambiguityIn(text: string): string | undefined {
  const open: Frame[] = [];
  let isName = false;
  for (let i = 0; i < text.length; i++) {
    const frame = open[open.length - 1];
    switch (text.charCodeAt(i)) {
      case OBJECT:
        open.push({ names: [], at: '' });
        isName = true;
        break;
      case ARRAY:
        open.push({ names: undefined, at: 0 });
        isName = false;
        break;
      case OBJECT_END:
      case ARRAY_END:
        open.pop();
        isName = false;
        break;
      case COMMA:
        isName = frame?.names !== undefined;
        if (typeof frame?.at === 'number') frame.at += 1;
        break;
      case QUOTE: {
        const end = endOf(text, i);
        if (isName && frame && !enter(frame, nameOf(text.slice(i, end))))
          return `${placeOf(open)} occurs twice in one object`;
        isName = false;
        i = end - 1;
        break;
      }
      default: {
        // white space, colons and literals such as `true` need no check
        if (!startsNumber(text.charCodeAt(i))) break;
        NUMBER_END.lastIndex = i;
        const literal = NUMBER_END.exec(text)?.[0] ?? '';
        if (!isExact(literal))
          return `${placeOf(open)}: the number ${literal.slice(0, 60)} cannot be kept as it is written; send it as a string`;
        i += literal.length - 1;
      }
    }
  }
  return undefined;
}

/**
 * Reports whether the text has more than `most` members, items, objects and lists; the content of strings is not
 * counted.
 */
export const exceedsValues = (text: string, most: number): boolean =>
  text.length > most && valuesUpTo(text, most) > most;

/** Counts the members, items, objects and lists of the text, and stops beyond `most`; the content of strings is not counted. */
export function valuesUpTo(text: string, most: number): number {
  let values = 0;
  for (let i = 0; i < text.length && values <= most; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOf(text, i) - 1;
    else if (code === COMMA || code === OBJECT || code === ARRAY) values += 1;
  }
  return values;
}

/** Reports whether lists and objects of the text are nested in more than `most` levels. @param text valid JSON */
export function exceedsDepth(text: string, most: number): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOf(text, i) - 1;
    else if (code === OBJECT || code === ARRAY) {
      if (++depth > most) return true;
    } else if (code === OBJECT_END || code === ARRAY_END) depth -= 1;
  }
  return false;
}

/** Returns each text, name of a member, and number of the text, the numbers as they are written. @param text valid JSON */
export function literalsIn(text: string): string[] {
  const found: string[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = endOf(text, i);
      found.push(nameOf(text.slice(i, end)));
      i = end - 1;
    } else if (startsNumber(code)) {
      NUMBER_END.lastIndex = i;
      const literal = NUMBER_END.exec(text)?.[0] ?? '';
      found.push(literal);
      i += literal.length - 1;
    }
  }
  return found;
}

/**
 * Parses a text that every JSON reader must read alike.
 * @throws SyntaxError if it is not JSON, or another reader could read a different value
 */
export function parseExactly(text: string): unknown {
  const value: unknown = JSON.parse(text);
  const wrong = ambiguityIn(text);
  if (wrong !== undefined) throw new SyntaxError(wrong);
  return value;
}

const [OBJECT, OBJECT_END, ARRAY, ARRAY_END, COMMA, QUOTE] = [0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x22] as const;
const startsNumber = (code: number): boolean => code === 0x2d || (code >= 0x30 && code <= 0x39);
const NUMBER_END = /[\d.eE+-]+/y;

/** Returns the index after the closing quote of the string that starts at `from`. */
function endOf(text: string, from: number): number {
  for (let i = text.indexOf('"', from + 1); ; i = text.indexOf('"', i + 1)) {
    if (i < 0) return text.length; // not JSON
    let before = i;
    while (text.charCodeAt(before - 1) === BACKSLASH) before -= 1;
    if ((i - before) % 2 === 0) return i + 1; // an even number of backslashes escape each other, not the quote
  }
}
const BACKSLASH = 0x5c;

/** Adds a member name to the object; false if the object already has it. */
function enter(frame: Frame, name: string): boolean {
  frame.at = name;
  if (Array.isArray(frame.names)) {
    if (frame.names.includes(name)) return false;
    if (frame.names.push(name) > FEW) frame.names = new Set(frame.names);
    return true;
  }
  if (frame.names?.has(name)) return false;
  frame.names?.add(name);
  return true;
}
/** up to this number of names, a linear search is faster than a set */
const FEW = 16;

/** An open object or array, and the current place in it. */
interface Frame {
  /** the members so far; undefined for an array */
  names: string[] | Set<string> | undefined;
  at: string | number;
}

/** Decodes a member name; few names contain an escape. */
const nameOf = (token: string): string => (token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1));

/** Formats the current place: `action.args.list[1]["odd name"]`. */
function placeOf(open: readonly Frame[]): string {
  const place = open.map(({ at }) =>
    typeof at === 'number' ? `[${at}]` : /^\w{1,80}$/.test(at) ? `.${at}` : `[${JSON.stringify(at.slice(0, 80))}]`,
  );
  return place.join('').replace(/^\./, '').slice(0, 200) || 'the body';
}

/** Reports whether the parsed number, written again, is the same decimal number. */
function isExact(literal: string): boolean {
  const value = Number(literal);
  const written = String(value);
  return written === literal || (Number.isFinite(value) && decimal(literal) === decimal(written));
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Normalizes a decimal number: its digits without leading and trailing zeros, and the power of ten. */
function decimal(literal: string): string | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(literal) ?? [];
  const digits = whole + fraction;
  let [from, to] = [0, digits.length];
  while (from < to && digits[from] === '0') from += 1;
  while (from < to && digits[to - 1] === '0') to -= 1;
  if (from === to) return '0'; // for any sign and power
  return `${sign}${digits.slice(from, to)}e${Number(exponent) - fraction.length + digits.length - to}`;
}
