import fc from 'fast-check';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { fromList, merged, type SearchCandidates } from './candidates';
import type { Evaluations } from './evaluations';
import { PageTokens } from './page-tokens';
import { Searches } from './searches';
import type { Subjects } from './subjects';

type Outcome = 'permit' | 'deny' | 'step-up' | 'refused' | 'unavailable';

const context = { caller: { kind: 'key', tenant: 'default' } } as unknown as RequestContext;
const ALL = {
  subject: { type: 'grant', id: `grt_0_${'0'.repeat(26)}` },
  action: { name: 'file.read' },
  resource: { type: 'file' },
};

/** Searches over files, each with the outcome of the evaluation that asks for it. */
function searchesOver(outcomes: Readonly<Record<string, Outcome>>): { searches: Searches; made: () => number } {
  let made = 0;
  const evaluations = {
    tryOut: (_context: unknown, leases: readonly string[], { resource }: { resource: { id: string } }) => {
      made++;
      const outcome = outcomes[resource.id];
      if (outcome === 'refused') throw new Refused('NOT_FOUND', 'gone');
      if (outcome === 'unavailable') throw new Refused('NOT_READY', 'later');
      return Promise.resolve({ grantId: leases[0], answer: { decision: outcome } });
    },
  } as unknown as Evaluations;
  const subjects = { leasesOf: () => Promise.resolve(['grt']) } as unknown as Subjects;
  const source = fromList(Object.keys(outcomes).sort());
  const candidates = { resourcesOf: () => Promise.resolve(source) } as unknown as SearchCandidates;
  const searches = new Searches(evaluations, subjects, candidates, new PageTokens(Buffer.alloc(32, 1)));
  return { searches, made: () => made };
}

const outcome = fc.constantFrom<Outcome>('permit', 'deny', 'step-up', 'refused');

describe('a search', () => {
  it('returns on all its pages exactly what evaluations permit, each once, within the limits of each page', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), outcome, { maxKeys: 450 }),
        fc.array(fc.integer({ min: 1, max: 150 }), { minLength: 1, maxLength: 3 }),
        async (outcomes, limits) => {
          const { searches, made } = searchesOver(outcomes);
          const found: string[] = [];
          let token: string | undefined;
          for (let pages = 0; token !== ''; pages++) {
            const limit = limits[pages % limits.length] as number;
            const before = made();
            const page = { limit, ...(token === undefined ? {} : { token }) };
            const { ids, next } = await searches.resource(context, { ...ALL, page });
            expect(ids.length).toBeLessThanOrEqual(Math.min(limit, LIMITS.authzen.page));
            expect(made() - before).toBeLessThanOrEqual(LIMITS.authzen.decisions);
            found.push(...ids);
            token = next;
            expect(pages).toBeLessThan(500);
          }
          const permitted = Object.keys(outcomes).filter((id) => outcomes[id] === 'permit');
          expect(found).toEqual(permitted.sort());
        },
      ),
      { numRuns: 40 },
    );
  }, 30_000);

  it('fails as a whole if a candidate cannot be decided', async () => {
    const { searches } = searchesOver({ a: 'permit', b: 'unavailable' });
    await expect(searches.resource(context, ALL)).rejects.toMatchObject({ code: 'NOT_READY' });
  });

  it('finds nothing for a subject without a lease', async () => {
    const { searches } = searchesOver({ a: 'permit' });
    const subjects = { leasesOf: () => Promise.reject(new Refused('NOT_FOUND', 'none')) };
    Object.assign(searches, { subjects });
    expect(await searches.resource(context, ALL)).toEqual({ ids: [], next: '' });
  });
});

describe('joined pages of candidates', () => {
  it('contain what no later page of any of them can precede', () => {
    expect(
      merged([
        { items: ['a', 'c'], next: 'c' },
        { items: ['b', 'd'], next: null },
      ]),
    ).toEqual({ items: ['a', 'b', 'c'].map((id) => ({ id, place: id })), next: 'c' });
    expect(
      merged([
        { items: ['b'], next: null },
        { items: ['a', 'b'], next: null },
      ]),
    ).toMatchObject({
      items: [{ id: 'a' }, { id: 'b' }],
      next: null,
    });
  });
});
