import fc from 'fast-check';
import { itemsOf, membersOf } from './json-text';

fc.configureGlobal({ seed: 20261130 });

/** Writes JSON with white space in every place that allows it. */
const spaced = (value: unknown): string => JSON.stringify(value, null, 1);

describe('the parts of a JSON text', () => {
  it('are the members of an object, each as it was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.boolean(), (value, isSpaced) => {
        const members = membersOf(isSpaced ? spaced(value) : JSON.stringify(value)) ?? new Map();
        const read = [...members].map(([name, text]) => [name, JSON.parse(text as string)]);
        const own = Object.fromEntries(Object.entries(JSON.parse(JSON.stringify(value)) as object));
        expect(Object.fromEntries(read)).toEqual(own);
      }),
    );
  });

  it('are the items of an array, each as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.boolean(), (value, isSpaced) => {
        const items = itemsOf(isSpaced ? spaced(value) : JSON.stringify(value)) ?? [];
        expect(items.map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('keep numbers and unknown members as their author wrote them', () => {
    expect(membersOf('{"id":1, "result": {"a":1.50,"2":[1e2]} }')?.get('result')).toBe('{"a":1.50,"2":[1e2]}');
    expect(membersOf('[1]')).toBeUndefined();
    expect(itemsOf('{}')).toBeUndefined();
  });
});
