/** The names of the members of a selector, and the words between two of them. */
export interface SelectorWords {
  readonly fields: Readonly<Record<string, string>>;
  readonly or: string;
  readonly and: string;
}
type Stored = Readonly<Record<string, unknown>>;

/** The members of a stored selector, each with its value as a text: `any` of two classes is `Agent class a or Agent class b`. */
export const partsOf = (selector: Stored, words: SelectorWords): { name: string; text: string }[] =>
  Object.entries(selector).map(([member, value]) => ({
    name: words.fields[member.replace(/Ref$/, '')] ?? member,
    text: textOf(member, value, words),
  }));

function textOf(member: string, value: unknown, words: SelectorWords): string {
  if (Array.isArray(value))
    return value.map((group: Stored) => groupText(group, words)).join(member === 'any' ? words.or : words.and);
  if (typeof value !== 'object' || value === null) return String(value);
  if (member !== 'resource') return groupText(value as Stored, words);
  const { type, match } = value as { type: string; match: string };
  return `${type}:${match}`;
}

/** A group inside a selector; one of several members is in parentheses. */
function groupText(group: Stored, words: SelectorWords): string {
  const parts = partsOf(group, words).map(({ name, text }) => `${name} ${text}`);
  return parts.length > 1 ? `(${parts.join(words.and)})` : parts.join('');
}
