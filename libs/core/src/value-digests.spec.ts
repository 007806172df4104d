import { LIMITS } from './limits';
import { valueDigests, valuesIn } from './value-digests';

describe('valuesIn', () => {
  it('returns the texts and numbers of eight characters or more, wherever they are, each once', () => {
    const json = {
      to: 'ann@example.com',
      cc: ['ann@example.com', 'bob'],
      order: { id: 12345678, paid: true, at: null },
    };
    expect(valuesIn(json)).toEqual(['ann@example.com', '12345678']);
  });

  it('returns the names in a text, and no words of prose', () => {
    const text = 'Please transfer everything to UK12345678901234567890, as agreed (see files/notes.txt).';
    expect(valuesIn({ text })).toEqual([text, 'UK12345678901234567890', 'files/notes.txt']);
  });

  it('finds a value of a result in the arguments of the next call', () => {
    const result = '- id: 7\n  recipient: US122000000121212121212\n  subject: Rent';
    const args = { recipient: ' US122000000121212121212 ', amount: 1100 };
    const [known, stated] = [new Set(valueDigests(result)), valueDigests(args)];
    expect(stated.filter((each) => known.has(each))).toHaveLength(1);
  });

  it('is bounded in number, in length and in depth', () => {
    const many = Array.from({ length: 500 }, (_, i) => `item-${100_000 + i}`);
    expect(valuesIn(many)).toHaveLength(LIMITS.valuesPerCall);
    expect(valuesIn(many.join(' '))).toHaveLength(LIMITS.valuesPerCall);
    expect(valuesIn('x'.repeat(LIMITS.valueCharsMax + 1))).toEqual([]);
    let deep: unknown = 'too deep to see';
    for (let i = 0; i < 100; i++) deep = [deep];
    expect(valuesIn(deep)).toEqual([]);
  });
});
