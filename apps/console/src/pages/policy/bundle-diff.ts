/** Entries of a section of a policy bundle: objects whose members depend on the section. */
export type Entry = Readonly<Record<string, unknown>>;
export type Bundle = Readonly<Record<string, unknown>>;

export interface EntryChange {
  /** what names the entry within its section */
  readonly name: string;
  readonly before?: unknown;
  readonly after?: unknown;
  /** the members that differ, if both have the entry */
  readonly members: readonly string[];
}
export interface SectionDiff {
  readonly section: string;
  readonly changes: readonly EntryChange[];
  readonly unchanged: number;
}

/** The members that name an entry, in the order in which they are tried. */
const NAMES = ['name', 'class', 'id', 'verb', 'tool', 'match', 'actions'] as const;

/** The sections of two bundles, each with what differs: changed entries first, removed ones last. Names pair entries. */
export function diffOf(before: Bundle, after: Bundle): SectionDiff[] {
  const sections = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return sections.map((section) => {
    const [old, now] = [entriesOf(before[section]), entriesOf(after[section])];
    const names = [...new Set([...old.keys(), ...now.keys()])];
    const changes = names.flatMap((name): EntryChange[] => {
      const [from, to] = [old.get(name), now.get(name)];
      if (textOf(from) === textOf(to)) return [];
      return [
        {
          name,
          ...(old.has(name) ? { before: from } : {}),
          ...(now.has(name) ? { after: to } : {}),
          members: old.has(name) && now.has(name) ? membersThatDiffer(from, to) : [],
        },
      ];
    });
    const rank = ({ before: from, after: to }: EntryChange): number =>
      to === undefined ? 2 : from === undefined ? 1 : 0;
    changes.sort((a, b) => rank(a) - rank(b));
    return { section, changes, unchanged: names.length - changes.length };
  });
}

/** The entries of a section by their names; an equal name is numbered. A section that is no list is one entry. */
function entriesOf(section: unknown): Map<string, unknown> {
  if (section === undefined) return new Map();
  if (!Array.isArray(section)) return new Map([['', section]]);
  const entries = new Map<string, unknown>();
  for (const entry of section) {
    const name = nameOf(entry);
    let unique = name;
    for (let at = 2; entries.has(unique); at += 1) unique = `${name} (${at})`;
    entries.set(unique, entry);
  }
  return entries;
}

export function nameOf(entry: unknown): string {
  if (entry === null || typeof entry !== 'object') return String(entry);
  for (const member of NAMES) {
    const value = (entry as Entry)[member];
    if (typeof value === 'string') return value;
    if (Array.isArray(value) && value.length > 0) return value.map(String).join(', ');
  }
  return textOf(entry);
}

function membersThatDiffer(before: unknown, after: unknown): string[] {
  if (!isEntry(before) || !isEntry(after)) return [];
  const members = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return members.filter((member) => textOf(before[member]) !== textOf(after[member])).sort();
}

const isEntry = (value: unknown): value is Entry =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** The same text for the same value, whatever the order of its members. */
const textOf = (value: unknown): string =>
  value === undefined
    ? ''
    : JSON.stringify(value, (_, member: unknown) =>
        isEntry(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
      );
