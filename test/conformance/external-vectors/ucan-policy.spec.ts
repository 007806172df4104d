import { attributesOf } from '../../vectors/ucan-policy/attributes';
import { selectorsOf, ucanPolicy } from '../../vectors/ucan-policy/translate';
import { describeCorpus } from './corpus';

/** Lists by number only: the ids repeat the policies. */
const idOf = (number: string): string => ucanPolicy().find(({ id }) => id.startsWith(`${number} `))?.id ?? number;

describeCorpus('ucan-policy', {
  quantifier: ['valid 5.1', 'valid 6.1', 'invalid 3.1', 'invalid 4.1'].map(idOf),
});

describe('the attributes of a call', () => {
  it('are the same for no two calls with different arguments', () => {
    const calls = [
      { a: { b: 1 } },
      { 'a.b': 1 },
      { a: [{ b: 1 }] },
      { 'a#each': { b: 1 } },
      { a: '1' },
      { a: '*' },
      { a: '%2A' },
    ];
    const texts = calls.map((args) => JSON.stringify(attributesOf(args)));
    expect(new Set(texts).size).toBe(calls.length);
  });
});

describe('a policy with a disjunction', () => {
  it('is one selector for each alternative that does not contradict itself', () => {
    const type = { type: 'subject', match: 'any' };
    expect(
      selectorsOf(
        [
          [
            'or',
            [
              ['==', '.a', 1],
              ['>', '.b', 2],
            ],
          ],
          ['!=', '.a', 3],
        ],
        type,
      ),
    ).toEqual([
      { ...type, where: { '.a': { eq: 1, notIn: [3] } } },
      { ...type, where: { '.a': { eq: 1 }, '.a#type': { ne: 'number' } } },
      { ...type, where: { '.b': { gt: 2 }, '.a': { ne: 3 } } },
      { ...type, where: { '.b': { gt: 2 }, '.a#type': { ne: 'number' } } },
    ]);
    expect(
      selectorsOf(
        [
          ['==', '.a', 1],
          ['==', '.a', 2],
        ],
        type,
      ),
    ).toEqual([]);
  });
});
