import { ambiguityIn, exceedsDepth, literalsIn, valuesUpTo } from '@bailiwick/core/json';
import { LIMITS } from '@bailiwick/core/limits';
import { statedDigests } from '@bailiwick/core/value-digests';
import { isObject } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';

/** Digests of the values of a text that an agent gets, as JSON where it is; undefined if it cannot be searched. */
export function valuesOfText(text: string): string[] | undefined {
  const budget = new ValueBudget();
  return budget.admits(text) ? statedDigests(readingOf(text), LIMITS.valuesPerResult) : undefined;
}

/** Bounds the values of the JSON of one result, all its texts together. */
export class ValueBudget {
  private left: number = BOUNDARY_LIMITS.messageValues;

  /** Reports whether a text may be parsed. */
  admits(text: string): boolean {
    this.left -= valuesUpTo(text, Math.max(0, this.left));
    return this.left >= 0;
  }
}

/**
 * Digests of the values of a result of MCP. Its reader puts its texts together, and reads those that are JSON: so values
 * are looked for in texts that are JSON, and in a name that is cut into several texts. Undefined if these have too many.
 * @param result valid JSON
 */
export function valuesOfResult(result: string): string[] | undefined {
  const value = JSON.parse(result) as unknown;
  const texts = textsOf(value);
  const within = texts.filter((text) => /^\s*[[{"]/.test(text));
  const budget = new ValueBudget();
  if (!within.every((text) => budget.admits(text))) return undefined;
  const found = new Set<string>();
  for (const read of [
    () => allReadings(result, value),
    () => cutNames(texts),
    ...within.map((text) => () => readingOf(text)),
  ]) {
    const values = statedDigests(read(), LIMITS.valuesPerResult);
    if (values === undefined) return undefined;
    for (const value of values) found.add(value);
    // a list of that length is taken for one that may not be all
    if (found.size >= LIMITS.valuesPerResult) break;
  }
  return [...found].slice(0, LIMITS.valuesPerResult);
}

/** What a reader takes a text for. Readers of ambiguous JSON take different values, so that all that it has count. */
function readingOf(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  return allReadings(text, value);
}

/** Adds to a value what other readers of its text have in its place. */
function allReadings(text: string, value: unknown): unknown {
  // too deep to be searched, so that its values count as unknown
  if (exceedsDepth(text, BOUNDARY_LIMITS.messageDepth)) return value;
  return ambiguityIn(text) === undefined ? value : [value, literalsIn(text)];
}

/** The texts of the parts of a result of a tool, a resource or a prompt, in their order. */
function textsOf(value: unknown): string[] {
  const { content, contents, messages } = isObject(value) ? value : {};
  return [content, contents, messages].flatMap((parts) => (Array.isArray(parts) ? parts.flatMap(textsIn) : []));
}

function textsIn(part: unknown): string[] {
  if (!isObject(part)) return [];
  const { text, resource, content } = part;
  if (typeof text === 'string') return [text];
  return [resource, ...(Array.isArray(content) ? (content as unknown[]) : [content])].flatMap(textsIn);
}

const AT_END = /[\p{L}\p{N}@._:/+#%=&?~-]*$/u;
const AT_START = /^[\p{L}\p{N}@._:/+#%=&?~-]*/u;

/** Returns the words that start in one text and end in another; the first ones if they are more than a result states. */
function cutNames(texts: readonly string[]): string[] {
  const found = new Set<string>();
  let open = '';
  for (const text of texts) {
    if (found.size >= LIMITS.valuesPerResult) break;
    const start = AT_START.exec(text)?.[0] ?? '';
    const word = (open + start).normalize('NFC');
    if (open !== '' && start !== '' && word.length >= LIMITS.valueChars && word.length <= LIMITS.valueCharsMax)
      found.add(word);
    const end = AT_END.exec(text.slice(-LIMITS.valueCharsMax))?.[0] ?? '';
    open = (start.length === text.length ? word : end).slice(-LIMITS.valueCharsMax);
  }
  return [...found];
}
