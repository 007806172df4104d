import { T } from '../../texts';

/** The members of a stored selector, each with its value as a text: `any` of two classes is `Agent class a or Agent class b`. */
export function partsOf(selector: Readonly<Record<string, unknown>>): { name: string; text: string }[] {
  return Object.entries(selector).map(([member, value]) => ({ name: nameOf(member), text: textOf(member, value) }));
}

const nameOf = (member: string): string => T.incident.fields[member.replace(/Ref$/, '')] ?? member;

function textOf(member: string, value: unknown): string {
  if (Array.isArray(value)) return value.map(groupText).join(member === 'any' ? T.incident.or : T.incident.and);
  if (typeof value !== 'object' || value === null) return String(value);
  if (member !== 'resource') return groupText(value);
  const { type, match } = value as { type: string; match: string };
  return `${type}:${match}`;
}

/** A group inside a selector; one of several members is in parentheses. */
function groupText(group: object): string {
  const parts = partsOf(group as Record<string, unknown>).map(({ name, text }) => `${name} ${text}`);
  return parts.length > 1 ? `(${parts.join(T.incident.and)})` : parts.join('');
}
