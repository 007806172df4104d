import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { itWithShared } from '../../../test/support/shared';
import { readRecorded } from './testing/recorded';
import { identifiersIn } from './values';
import { normalize } from './words';

/** The code and the parameters of the monitor, without tests. */
const sources = readdirSync(__dirname)
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
  .map((name) => ({ name, text: normalize(readFileSync(join(__dirname, name), 'utf8')) }));
const WORDS_OF_PHRASE = 6;

describe('the code and the parameters of the monitor', () => {
  for (const file of ['data/agentdojo.jsonl.gz', 'data/agentdyn-github.jsonl.gz']) {
    itWithShared(file, 'name no tool, suite or address of recorded runs, and no phrase of their goals', (path) => {
      const names = new Set<string>();
      for (const { suite, goal, calls } of readRecorded(path)) {
        names.add(suite);
        for (const { tool } of calls) if (/[_.-]/.test(tool)) names.add(normalize(tool));
        for (const address of identifiersIn(goal)) if (/[@./\d]/.test(address)) names.add(address);
        const words = normalize(goal).split(' ');
        for (let at = 0; at + WORDS_OF_PHRASE <= words.length; at++)
          names.add(words.slice(at, at + WORDS_OF_PHRASE).join(' '));
      }
      const found = [...names].flatMap((each) =>
        sources.filter(({ text }) => text.includes(each)).map(({ name }) => `${name}: ${each}`),
      );
      expect(names.size).toBeGreaterThan(100);
      expect(found).toEqual([]);
    });
  }
});
