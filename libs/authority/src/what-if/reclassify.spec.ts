import fc from 'fast-check';
import { EFFECTS, RISKS } from '@bailiwick/contracts/grants/grant';
import type { DecidedAction } from '@bailiwick/contracts/events/event';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { classify } from '../matching/catalog';
import { compileCatalog, type Catalog } from '../matching/catalog/compile';
import { chargeOf } from '../state/usage';
import { Reclassifier } from './reclassify';

const LABELS = ['untrusted', 'private', 'read:secret', 'may:send', 'fetch:unnamed', 'trusted'];
const VERBS = ['file.read', 'parcel.track', 'email.send', 'web.fetch', 'thing.do'];
const TOOLS = ['mcp__mail__send', 'shelf'];

const facts = {
  effects: fc.uniqueArray(fc.constantFrom(...EFFECTS), { minLength: 1, maxLength: 3 }),
  risk: fc.constantFrom(...RISKS),
  labels: fc.option(fc.uniqueArray(fc.constantFrom(...LABELS), { maxLength: 2 }), { nil: undefined }),
};
const catalogs: fc.Arbitrary<Catalog> = fc
  .tuple(
    fc.uniqueArray(fc.record({ match: fc.constantFrom(...VERBS, 'parcel.*', '**.do'), ...facts }), {
      selector: ({ match }) => match,
    }),
    fc.uniqueArray(fc.record({ tool: fc.constantFrom(...TOOLS), ...facts }), { selector: ({ tool }) => tool }),
  )
  .map(([verbs, tools]) => {
    const entries = [
      ...verbs.map(({ match, ...rest }) => ({ match: [match], ...rest })),
      ...tools.map(({ tool, ...rest }) => ({ tools: [tool], verb: 'thing.do', ...rest })),
    ] as CatalogEntry[];
    const compiled = compileCatalog(entries);
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    return compiled.value;
  });
const calls = fc.record({
  verb: fc.constantFrom(...VERBS),
  tool: fc.option(fc.constantFrom(...TOOLS), { nil: undefined }),
  effect: fc.option(fc.constantFrom(...EFFECTS), { nil: undefined }),
  risk: fc.option(fc.constantFrom(...RISKS), { nil: undefined }),
  labels: fc.uniqueArray(fc.constantFrom(...LABELS), { maxLength: 2 }),
  vouched: fc.boolean(),
  named: fc.boolean(),
  resource: fc.record({
    type: fc.constant('file'),
    id: fc.constantFrom('a/b', '.env'),
    attributes: fc.constantFrom<Record<string, string>>({}, { sensitivity: 'secret' }, { trust: 'untrusted' }),
  }),
});

/** The record of a call. */
function recordOf(call: Parameters<typeof classify>[0], catalog: Catalog): DecidedAction {
  const { effect, effects, risk, labels } = classify(call, catalog);
  return {
    verb: call.verb,
    tool: call.tool,
    effect,
    ...(effects.length > 1 ? { effects: [...effects] } : {}),
    risk,
    ...(call.vouched ? {} : { stated: 'run' }),
    resource: call.resource,
    charge: chargeOf(effects, { USD: 5 }, { tokens: 3 }),
    labels: [...labels].sort(),
  } as DecidedAction;
}
const factsIn = ({ effect, effects = [effect], risk, labels, charge }: DecidedAction) => ({
  effects,
  risk,
  labels,
  charge,
});

describe('a recorded call under another catalog', () => {
  it('is classified as the call itself would be, if its caller stated nothing', () => {
    fc.assert(
      fc.property(catalogs, catalogs, calls, (recorded, candidate, asked) => {
        const call = { ...asked, effect: undefined, risk: undefined, labels: [] };
        const { data, isExact } = new Reclassifier(candidate).of(recordOf(call, recorded), recorded, call.named);
        expect(isExact).toBe(true);
        expect(factsIn(data)).toEqual(factsIn(recordOf(call, candidate)));
      }),
      { seed: 20_261, numRuns: 400 },
    );
  });

  it('is no stricter than the call itself would be, and as strict in what the record shows', () => {
    let shown = 0;
    fc.assert(
      fc.property(catalogs, catalogs, calls, (recorded, candidate, call) => {
        const record = recordOf(call, recorded);
        const { data, isExact } = new Reclassifier(candidate).of(record, recorded, call.named);
        expect(isExact).toBe(true);
        // an enforcement point may have stated what the recorded catalog states, too, and the candidate is in doubt about
        if (call.vouched && !candidate.lookup(call.verb, call.tool).classified) return;
        const [got, own] = [factsIn(data), factsIn(recordOf(call, candidate))];
        expect(own.effects).toEqual(expect.arrayContaining([...got.effects]));
        expect(RISKS.indexOf(got.risk)).toBeLessThanOrEqual(RISKS.indexOf(own.risk));
        const alone = factsIn(recordOf({ ...call, effect: undefined, risk: undefined, labels: [] }, recorded));
        expect(own.labels).toEqual(expect.arrayContaining(got.labels));
        // a run cannot state for itself what relaxes
        const claims = call.labels.filter((label) => call.vouched || label !== 'trusted');
        const beyond = claims.filter((label) => !alone.labels.includes(label));
        expect(got.labels).toEqual(expect.arrayContaining(beyond));
        const isShown =
          call.effect !== undefined &&
          recorded.lookup(call.verb, call.tool).classified &&
          !alone.effects.includes(call.effect);
        if (!isShown) return;
        shown += 1;
        expect(got.effects).toContain(call.effect);
      }),
      { seed: 20_262, numRuns: 600 },
    );
    expect(shown).toBeGreaterThan(20);
  });

  it('is unchanged if both catalogs state the same about it', () => {
    fc.assert(
      fc.property(catalogs, calls, (catalog, call) => {
        const again = compileCatalog(catalog.entries);
        if (!again.ok) throw new Error('the same entries compile');
        const record = recordOf(call, catalog);
        expect(new Reclassifier(again.value).of(record, catalog, call.named).data).toBe(record);
      }),
      { seed: 20_263, numRuns: 100 },
    );
  });
});
