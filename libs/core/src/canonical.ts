/** Maximum levels of arrays and objects; it keeps deep input from exhausting the stack. */
export const CANONICAL_DEPTH = 256;

/**
 * Writes a value by the RFC 8785 JSON Canonicalization Scheme: members sorted by UTF-16 code units, numbers as
 * ECMAScript writes them, no white space. Members that are undefined are left out, as JSON does.
 *
 * Any other value without a JSON representation is refused, never converted: two values with one canonical form would
 * have one digest.
 * @throws TypeError for undefined (except as a member), NaN, infinities, bigints, functions, symbols, lone surrogates,
 * cycles, holes in arrays, objects that are not plain (Date, Map, Buffer, …), and more than 256 levels
 */
export function canonicalize(value: unknown): string {
  return write(value, []);
}

/** @param above the enclosing arrays and objects, outermost first */
function write(value: unknown, above: object[]): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON representation`);
    return JSON.stringify(value);
  }
  if (typeof value === 'string') return writeString(value);
  if (value === undefined) throw new TypeError('undefined has no JSON representation');
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no JSON representation`);
  if (above.includes(value)) throw new TypeError('a value that contains itself has no JSON representation');
  if (above.length >= CANONICAL_DEPTH) throw new TypeError(`a value of more than ${CANONICAL_DEPTH} levels is refused`);
  above.push(value);
  const text = Array.isArray(value) ? writeArray(value, above) : writeObject(value, above);
  above.pop();
  return text;
}

function writeArray(value: readonly unknown[], above: object[]): string {
  // Array.from, because map skips holes and would write nothing for them.
  return `[${Array.from(value, (each) => write(each, above)).join(',')}]`;
}

function writeObject(value: object, above: object[]): string {
  if (!isPlain(value))
    throw new TypeError(
      `a ${value.constructor?.name || 'class instance'} has no JSON representation: give its plain value`,
    );
  const members: string[] = [];
  // sort() without a comparison function sorts by UTF-16 code units, as RFC 8785 §3.2.3 requires
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member !== undefined) members.push(`${writeString(key)}:${write(member, above)}`);
  }
  return `{${members.join(',')}}`;
}

/** Reports whether the object was created by `{}`, `JSON.parse` or `Object.create(null)`, in any realm. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function writeString(value: string): string {
  if (!value.isWellFormed()) throw new TypeError('a string with a lone surrogate has no JSON representation');
  return JSON.stringify(value);
}
