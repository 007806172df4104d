import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODES, REASON_CODES } from '@bailiwick/contracts/error-codes';
import { EVENT_DATA } from '@bailiwick/contracts/events/event';
import { EFFECTS, MODES, RISKS } from '@bailiwick/contracts/grants/grant';
import { STAGES } from '@bailiwick/contracts/policy/catalog-entry';
import { readVocabulary, vocabularyTables } from '@bailiwick/policy/vocabulary';
import { declaredEndpoints } from '../../apps/gateway/src/testing/endpoints';

const PAGE = readFileSync(join(__dirname, '..', '..', 'docs', 'vocabulary.md'), 'utf8');
const known = readVocabulary();

describe('the vocabulary', () => {
  it('is the source of the tables of docs/vocabulary.md', () => {
    const [, tables] = PAGE.split('<!-- from vocabulary-v1.json -->\n\n');
    expect(tables).toBe(vocabularyTables(known));
  });

  it('has each term once, in a known group, with mappings to known standards by known relations', () => {
    const ids = (list: readonly { id: string }[]): string[] => list.map(({ id }) => id);
    const { standards, relations, groups, terms } = known;
    expect(new Set(terms.map(({ term }) => term)).size).toBe(terms.length);
    for (const { term, group, mappings = [] } of terms) {
      expect([term, ids(groups)]).toEqual([term, expect.arrayContaining([group])]);
      for (const mapping of mappings) {
        expect(ids(standards)).toContain(mapping.standard);
        expect(ids(relations)).toContain(mapping.relation);
      }
    }
  });

  it('defines the shared terms, and maps to each standard and to each hint of MCP', () => {
    const names = known.terms.map(({ term }) => term);
    for (const term of ['capability', 'purpose', 'act-as', 'draft-only', 'external-share', 'human-confirmed'])
      expect(names).toContain(term);
    const mapped = known.terms.flatMap(({ mappings = [] }) => mappings);
    for (const { id } of known.standards) expect(mapped.some(({ standard }) => standard === id)).toBe(true);
    for (const hint of ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'])
      expect(mapped.some(({ standard, term }) => standard === 'mcp' && term.includes(hint))).toBe(true);
  });

  it('names every effect, risk tier, mode and stage, and only routes, events and codes that exist', () => {
    const text = JSON.stringify(known);
    for (const value of [...EFFECTS, ...RISKS, ...MODES, ...STAGES]) expect(text).toContain(`\`${value}\``);
    const routes = declaredEndpoints().map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
    for (const [route] of text.matchAll(/\b(GET|POST|PUT|DELETE) \/[\w/{}-]+/g)) expect(routes).toContain(route);
    for (const [, event] of text.matchAll(/event `(\w+)`/g)) expect(Object.keys(EVENT_DATA)).toContain(event);
    for (const [, code] of text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g))
      expect([...REASON_CODES, ...Object.keys(CODES)]).toContain(code);
  });
});
