/**
 * What JSON.parse would take in silence and a digest could not tell apart: two members of one name in an object, and
 * numbers that are read as another. An approval of the one would be good for the other (I8).
 * @param text JSON that has been parsed already: it is well-formed
 * @returns what is wrong, in words; undefined: nothing is
 */
export function ambiguityIn(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []; // names of the objects around; undefined for an array
  let names: Set<string> | undefined;
  let isName = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '"') {
      const end = endOfString(text, i);
      if (isName && names) {
        const name = JSON.parse(text.slice(i, end)) as string;
        if (names.has(name)) return `the member ${JSON.stringify(name.slice(0, 80))} stands twice in one object`;
        names.add(name);
        isName = false;
      }
      i = end - 1;
    } else if (c === '{' || c === '[') {
      names = c === '{' ? new Set() : undefined;
      open.push(names);
      isName = c === '{';
    } else if (c === '}' || c === ']') {
      open.pop();
      names = open[open.length - 1];
    } else if (c === ',') {
      isName = names !== undefined;
    } else if (c === '-' || (c >= '0' && c <= '9')) {
      NUMBER.lastIndex = i;
      const number = NUMBER.exec(text)?.[0] as string;
      if (!isExact(number))
        return `the number ${number.slice(0, 60)} cannot be kept as it is written; send it as a string`;
      i += number.length - 1;
    }
  }
  return undefined;
}

const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;
/** As many decimal digits as a double always gives back. */
const DIGITS = 15;

function isExact(number: string): boolean {
  const value = Number(number);
  if (!Number.isFinite(value)) return false;
  if (Number.isInteger(value))
    return (
      Number.isSafeInteger(value) && (Number.isInteger(value) === !/\.\d*[1-9]/.test(number) || /[eE]/.test(number))
    );
  const digits = (number.split(/[eE]/)[0] ?? '').replace(/[-.]/g, '').replace(/^0+/, '');
  return digits.length <= DIGITS + 2;
}

function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}
