import fc from 'fast-check';
import { previewBody } from '@bailiwick/contracts/http/bodies';
import { partsOf } from '../../apps/console/src/pages/incident/selector-text';
import { FIELDS, namesVerb, selectorOf, TIMES } from '../../apps/console/src/pages/incident/selector';

const word = fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/);
const valueOf = (field: string): fc.Arbitrary<string> =>
  field === 'resource'
    ? word.map((name) => `repo:${name}/**`)
    : field === 'treeId'
      ? fc.constant('tre_0_7vp2b7kdrqr522qc9jx3fnqyd2')
      : TIMES.includes(field)
        ? fc.constant('2026-11-30T12:00')
        : word;
/** What the address of the page may state. */
const searches = fc.record(
  {
    ...Object.fromEntries(FIELDS.map((field) => [field, valueOf(field)])),
    also: fc.array(word, { minLength: 1, maxLength: 3 }).map((names) => names.join('\n')),
    select: fc.constantFrom('{"any":[{"agentClass":"a"},{"not":{"environment":"prod"}}]}', '{"not":{"tool":"b"}}'),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Record<string, string>>;

describe('selectorOf', () => {
  it('makes a selector that the API accepts of every combination of fields', () => {
    fc.assert(
      fc.property(searches, (search) => {
        const { selector, faults } = selectorOf(search);
        expect(faults).toEqual([]);
        for (const field of FIELDS) {
          const isMoved = field === 'agentClass' && search.also !== undefined;
          expect(field in selector).toBe(search[field] !== undefined && !isMoved);
        }
        if (Object.keys(selector).length === 0) return;
        const target = namesVerb(selector) ? { target: 'leases' } : {};
        expect(previewBody.safeParse({ selector, ...target }).error?.issues ?? []).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('names each field of another form, and leaves it out of the selector', () => {
    const search = { resource: 'repo', select: '[1]', issuedAfter: 'noon', agentClass: ' reader ' };
    expect(selectorOf(search)).toEqual({
      selector: { agentClass: 'reader' },
      faults: ['resource', 'issuedAfter', 'select'],
    });
  });

  it('selects any of several classes in addition to the choices of a whole selector', () => {
    const select = '{"any":[{"environment":"prod"},{"environment":"staging"}]}';
    expect(selectorOf({ agentClass: 'a', also: 'b', select }).selector).toEqual({
      any: [{ environment: 'prod' }, { environment: 'staging' }],
      all: [{ any: [{ agentClass: 'a' }, { agentClass: 'b' }] }],
    });
  });
});

describe('partsOf', () => {
  it('states a nested selector as a sentence', () => {
    const stored = {
      principalRef: 'ref_1',
      resource: { type: 'repo', match: 'acme/**' },
      any: [{ agentClass: 'a', environment: 'prod' }, { not: { agentInstance: 'canary' } }],
    };
    const fields = { principal: 'Principal', agentClass: 'Agent class', any: 'Any of', not: 'Not' };
    expect(partsOf(stored, { fields, or: ' or ', and: ' and ' })).toEqual([
      { name: 'Principal', text: 'ref_1' },
      { name: 'resource', text: 'repo:acme/**' },
      { name: 'Any of', text: '(Agent class a and environment prod) or Not agentInstance canary' },
    ]);
  });
});
