import fc from 'fast-check';
import { selectorFault } from '@bailiwick/authority/revocation/selector-fault';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { LIMITS } from '@bailiwick/core/limits';
import { selectorsOf } from './signal-selectors';

fc.configureGlobal({ seed: 20260101 });

const person = (i: number): StoredSelector => ({ principalRef: `ref_${`${i}`.padStart(26, '0')}` });
const people = (n: number, from = 0): StoredSelector[] => Array.from({ length: n }, (_, i) => person(from + i));
const instance = (id: string): StoredSelector => ({ agentInstance: id });

describe('selectorsOf', () => {
  it('narrows by all members, and selects by any alternative of each', () => {
    expect(selectorsOf([[person(1)]])).toEqual([person(1)]);
    expect(selectorsOf([[person(1), person(2), person(1)]])).toEqual([{ any: people(2, 1) }]);
    expect(selectorsOf([[person(1), person(2)], [], [instance('dev-7')]])).toEqual([
      { all: [{ any: people(2, 1) }, instance('dev-7')] },
    ]);
    expect(selectorsOf([])).toEqual([]);
    expect(selectorsOf([[], []])).toEqual([]);
  });

  it.each(['-7', '!7', '^7', '7*', 'a|b', 'a\\b', '{a,b}', '<id>', 'qb\u043et', '\uff01x'])(
    'leaves out the instance %j, which none can have, and nothing else',
    (id) => {
      expect(selectorsOf([[person(1)], [instance(id)]])).toEqual([person(1)]);
      expect(selectorsOf([[instance('dev-7'), instance(id)]])).toEqual([instance('dev-7')]);
      expect(selectorsOf([[instance(id)]])).toEqual([]);
    },
  );

  it('leaves out the largest member if the whole exceeds one selector, so that it stops more', () => {
    const devices = Array.from({ length: 30 }, (_, i) => instance(`dev-${i}`));
    expect(selectorsOf([[person(1)], devices, [instance('x')]])).toEqual([{ all: [person(1), instance('x')] }]);
    expect(selectorsOf([people(16), people(16, 16)])).toEqual([{ any: people(16) }]);
  });

  it('divides the last member among several selectors', () => {
    expect(selectorsOf([people(31)])).toHaveLength(1);
    expect(selectorsOf([people(32)])).toEqual([{ any: people(16) }, { any: people(16, 16) }]);
    const long = Array.from({ length: 30 }, (_, i) => instance(`${i}-${'\u00e9'.repeat(LIMITS.nameLength - 3)}`));
    expect(selectorsOf([long])).toEqual([{ any: long.slice(0, 15) }, { any: long.slice(15) }]);
  });

  it('always selects whatever all members name, in selectors that no owner refuses (property)', () => {
    const id = fc.oneof(fc.string({ minLength: 1, maxLength: 200 }), fc.constantFrom('a', 'b', '-c'));
    const part = fc.oneof(id.map(instance), fc.nat({ max: 300 }).map(person));
    const members = fc.array(fc.array(part, { maxLength: 60 }), { maxLength: 7 });
    fc.assert(
      fc.property(members, (given) => {
        const selectors = selectorsOf(given);
        for (const each of selectors) expect(selectorFault(each)).toBeUndefined();
        const texts = (parts: readonly StoredSelector[]): string[] => parts.map((each) => JSON.stringify(each));
        const alternatives = ({ any, ...own }: StoredSelector): string[] => texts(any ?? [own]);
        // each selector consists of whole members, or all of them together are one whole member
        const wanted = given
          .map((parts) => new Set(texts(parts.filter((each) => selectorFault(each) === undefined))))
          .filter(({ size }) => size > 0);
        expect(selectors.length > 0).toBe(wanted.length > 0);
        const [first] = selectors;
        const conjuncts =
          selectors.length === 1
            ? (first!.all ?? [first!]).map((each) => new Set(alternatives(each)))
            : [new Set(selectors.flatMap(alternatives))].filter(({ size }) => size > 0);
        for (const conjunct of conjuncts) expect(wanted).toContainEqual(conjunct);
      }),
      { numRuns: 300 },
    );
  });
});
