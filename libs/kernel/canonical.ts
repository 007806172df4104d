/**
 * RFC 8785 JSON Canonicalization Scheme: members sorted by UTF-16 code units, numbers as ECMAScript writes them, no
 * white space. Members that are undefined are left out, as JSON does.
 * @throws TypeError for what JSON has no word for: NaN, infinities, bigints, functions, lone surrogates, cycles
 */
export function canonicalize(value: unknown): string {
  return write(value, new Set());
}

function write(value: unknown, above: Set<object>): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no form in JSON`);
    return JSON.stringify(value);
  }
  if (typeof value === 'string') return writeString(value);
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no form in JSON`);
  if (above.has(value)) throw new TypeError('a value that contains itself has no form in JSON');
  above.add(value);
  const text = Array.isArray(value) ? `[${value.map((each) => write(each, above)).join(',')}]` : writeObject(value as Record<string, unknown>, above);
  above.delete(value);
  return text;
}

function writeObject(value: Record<string, unknown>, above: Set<object>): string {
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort() // by UTF-16 code units, as RFC 8785 §3.2.3 asks
    .map((key) => `${writeString(key)}:${write(value[key], above)}`);
  return `{${members.join(',')}}`;
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

function writeString(value: string): string {
  if (LONE_SURROGATE.test(value)) throw new TypeError('a string with a lone surrogate has no form in JSON');
  return JSON.stringify(value);
}
