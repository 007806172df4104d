import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** The same folder from `src` and from `dist`. */
const FILE = join(__dirname, '..', 'vocabulary', 'vocabulary-v1.json');

export const VOCABULARY = 'vocabulary-v1.json';

const text = z.string().min(1);
const id = z.string().regex(/^[a-z][a-z0-9]*$/);

/** The terms of Bailiwick with their meaning, and what corresponds to them in standards. */
export const vocabulary = z.strictObject({
  $id: z.literal(`https://bailiwick.dev/schemas/${VOCABULARY}`),
  title: text,
  version: z.literal(1),
  standards: z.array(z.strictObject({ id, title: text })),
  /** how a term of a standard relates to ours */
  relations: z.array(z.strictObject({ id, meaning: text })),
  groups: z.array(z.strictObject({ id, title: text })),
  terms: z.array(
    z.strictObject({
      term: text,
      group: id,
      meaning: text,
      /** the member, the route or the event in which it appears */
      where: text.optional(),
      mappings: z
        .array(z.strictObject({ standard: id, term: text, relation: id, note: text.optional() }))
        .min(1)
        .optional(),
    }),
  ),
});
export type Vocabulary = z.infer<typeof vocabulary>;

/** @throws Error if the file is not a vocabulary, which a test excludes */
export const readVocabulary = (): Vocabulary => vocabulary.parse(JSON.parse(readFileSync(FILE, 'utf8')));

/** Returns the tables of `docs/vocabulary.md`: the terms of each group, and the terms of each standard. */
export function vocabularyTables({ standards, relations, groups, terms }: Vocabulary): string {
  const row = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
    [row(head), `|${head.map(() => '---|').join('')}`, ...rows.map(row)].join('\n');
  const ofGroup = groups.map(({ id: group, title }) => {
    const own = terms.filter((each) => each.group === group);
    const rows = own.map(({ term, meaning, where = '' }) => [`**${term}**`, meaning, where]);
    return `## ${title}\n\n${table(['term', 'meaning', 'where'], rows)}`;
  });
  const ofStandard = standards.map(({ id: standard, title }) => {
    const rows = terms.flatMap(({ term, mappings = [] }) =>
      mappings
        .filter((each) => each.standard === standard)
        .map((each) => [term, each.term, each.relation, each.note ?? '']),
    );
    return `### ${title}\n\n${table(['our term', 'theirs', 'relation', 'note'], rows)}`;
  });
  const meanings = table(
    ['relation', 'meaning'],
    relations.map(({ id: relation, meaning }) => [`\`${relation}\``, meaning]),
  );
  return `${ofGroup.join('\n\n')}\n\n## In standards\n\n${meanings}\n\n${ofStandard.join('\n\n')}\n`;
}
