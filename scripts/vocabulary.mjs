// Writes the tables of docs/vocabulary.md from libs/policy/vocabulary/vocabulary-v1.json.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { readVocabulary, vocabularyTables } = createRequire(import.meta.url)('@bailiwick/policy/vocabulary');

const page = new URL('../docs/vocabulary.md', import.meta.url);
const mark = '<!-- from vocabulary-v1.json -->\n\n';
const [head] = readFileSync(page, 'utf8').split(mark);
writeFileSync(page, head + mark + vocabularyTables(readVocabulary()));
