/**
 * The parts of a JSON text as they are written. Results and definitions of upstreams are passed on as they came, so that
 * members that this release does not know survive.
 */

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Returns the text of each member of an object. @param text valid JSON */
export function membersOf(text: string): Map<string, string> | undefined {
  const parts = partsOf(text, '{');
  if (!parts) return undefined;
  return new Map(parts.map(memberOf));
}

/** Returns the text of each value that an object has for a name, which may be repeated. @param text valid JSON */
export const valuesOf = (text: string, name: string): string[] =>
  (partsOf(text, '{') ?? []).map(memberOf).flatMap(([each, value]) => (each === name ? [value] : []));

/**
 * Returns a member of an object if it is written in a few characters, its name without escapes. None of the rest is parsed.
 * @param text JSON, which need not be valid
 * @throws SyntaxError if the member is not JSON
 */
export function shortMember(text: string, name: string): unknown {
  const start = new RegExp(`^"${name}"\\s*:`);
  for (const part of eachPart(text.trim())) {
    const found = part.length <= 200 ? start.exec(part) : null;
    if (found) return JSON.parse(part.slice(found[0].length)) as unknown;
  }
  return undefined;
}

function memberOf(part: string): [name: string, value: string] {
  const nameEnd = endOfString(part, 0);
  const colon = part.indexOf(':', nameEnd);
  return [JSON.parse(part.slice(0, nameEnd)) as string, part.slice(colon + 1).trim()];
}

/**
 * Returns an object with other members: each is set to a text, or removed if it is undefined.
 * @param text a valid JSON object
 */
export function withMembers(text: string, changes: Readonly<Record<string, string | undefined>>): string {
  const members = membersOf(text) ?? new Map<string, string>();
  for (const [name, value] of Object.entries(changes))
    if (value === undefined) members.delete(name);
    else members.set(name, value);
  return `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`;
}

/** Returns the text of each item of an array. @param text valid JSON */
export const itemsOf = (text: string): string[] | undefined => partsOf(text, '[');

function partsOf(text: string, opening: '{' | '['): string[] | undefined {
  const whole = text.trim();
  if (!whole.startsWith(opening)) return undefined;
  return [...eachPart(whole)];
}

/** Each item of a list, or member of an object, as it is written. */
function* eachPart(whole: string): Generator<string> {
  let depth = 0;
  let from = 1;
  for (let i = 0; i < whole.length; i++) {
    const character = whole.charAt(i);
    if (character === '"') i = endOfString(whole, i) - 1;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    if ((character === ',' && depth === 1) || (depth === 0 && i > 0)) {
      const part = whole.slice(from, i).trim();
      if (part !== '') yield part;
      from = i + 1;
    }
  }
}

/** Returns the index after the closing quote of the string that starts at `from`. */
function endOfString(text: string, from: number): number {
  let i = from + 1;
  while (i < text.length && text.charAt(i) !== '"') i += text.charAt(i) === '\\' ? 2 : 1;
  return i + 1;
}
