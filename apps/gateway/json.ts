/**
 * What JSON.parse would take in silence and a digest could not tell apart: two members of one name in an object, and
 * numbers that are read as another. An approval of the one would be good for the other (I8).
 * @param text JSON that has been parsed already: it is well-formed, and no deeper than canonical JSON may be
 * @returns where something is wrong, and what, in words; undefined: nothing is
 */
export function ambiguityIn(text: string): string | undefined {
  const open: Frame[] = [];
  let isName = false;
  for (const token of text.match(TOKEN) ?? []) {
    const frame = open[open.length - 1];
    if (token === '{' || token === '[') {
      isName = token === '{';
      open.push(isName ? { names: new Set(), at: '' } : { names: undefined, at: 0 });
    } else if (token === '}' || token === ']') {
      open.pop();
      isName = false;
    } else if (token === ',') {
      isName = frame?.names !== undefined;
      if (typeof frame?.at === 'number') frame.at += 1;
    } else if (token.startsWith('"')) {
      if (!isName || !frame?.names) continue; // a value
      frame.at = nameOf(token);
      if (frame.names.has(frame.at)) return `${placeOf(open)} stands twice in one object`;
      frame.names.add(frame.at);
      isName = false;
    } else if (!isExact(token))
      return `${placeOf(open)}: the number ${token.slice(0, 60)} cannot be kept as it is written; send it as a string`;
  }
  return undefined;
}

/** An object or array that is open, and where in it we are. */
interface Frame {
  /** the members so far; undefined for an array */
  readonly names: Set<string> | undefined;
  at: string | number;
}

/** Few names have an escape to be read. */
const nameOf = (token: string): string => (token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1));

/** Strings, numbers and marks; white space, colons and words say nothing here. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],]/g;

/** `action.args.list[1]["odd name"]` */
function placeOf(open: readonly Frame[]): string {
  const place = open.map(({ at }) =>
    typeof at === 'number' ? `[${at}]` : /^\w{1,80}$/.test(at) ? `.${at}` : `[${JSON.stringify(at.slice(0, 80))}]`,
  );
  return place.join('').replace(/^\./, '').slice(0, 200) || 'the body';
}

/** Whether what is read, written out again, is the same decimal number. */
function isExact(literal: string): boolean {
  const value = Number(literal);
  const written = String(value);
  return written === literal || (Number.isFinite(value) && decimal(literal) === decimal(written));
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** One spelling for each decimal number: its digits without zeros around them, and the power of ten behind them. */
function decimal(literal: string): string | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = NUMBER.exec(literal) ?? [];
  const digits = whole + fraction;
  let [from, to] = [0, digits.length];
  while (from < to && digits[from] === '0') from += 1;
  while (from < to && digits[to - 1] === '0') to -= 1;
  if (from === to) return '0'; // whatever its sign and power
  return `${sign}${digits.slice(from, to)}e${Number(exponent) - fraction.length + digits.length - to}`;
}
