/**
 * Decides the vectors of other projects, and prints what was decided about each, and the table of test/vectors/README.md.
 *
 *   npm run vectors
 */
import { CORPORA, totals } from './table';

const decided = CORPORA.map(({ name, rows }) => ({ name, rows: rows() }));
for (const { name, rows } of decided) {
  console.log(`\n${name}`);
  for (const { id, expected, outcome, because } of rows)
    console.log(
      `  ${outcome.padEnd(13)} ${expected.padEnd(6)} ${id}${because.length > 0 ? `: ${because.join(', ')}` : ''}`,
    );
}
console.log(`\n${totals(decided)}`);
const wrong = decided.flatMap(({ rows }) => rows).filter(({ outcome }) => outcome === 'wrong');
for (const { id, stated = 'permitted' } of wrong) console.log(`wrong: ${id}: ${stated}`);
process.exitCode = wrong.length === 0 ? 0 : 1;
