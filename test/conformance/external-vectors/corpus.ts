import { INEXPRESSIBLE, OUTSIDE } from '../../vectors/verdict';
import { CORPORA } from '../../vectors/table';

/** The vectors of a corpus that are not decided, by reason. */
type Undecided = Partial<Record<keyof typeof INEXPRESSIBLE | keyof typeof OUTSIDE, readonly string[]>>;

/** Decides a corpus. No vector may be decided otherwise than expected, and only the listed ones may be left undecided. */
export function describeCorpus(name: string, undecided: Undecided = {}): void {
  const corpus = CORPORA.find((each) => each.name === name);
  if (!corpus) throw new Error(`no corpus ${name}`);
  const rows = corpus.rows();

  describe(`the vectors of ${name}`, () => {
    it(`are ${corpus.size}, each with a distinct name`, () => {
      expect(new Set(rows.map(({ id }) => id)).size).toBe(corpus.size);
    });

    it.each(rows.filter(({ outcome }) => outcome === 'right' || outcome === 'wrong'))(
      '$id: $expected',
      ({ outcome, because, stated }) => {
        expect([outcome, ...(outcome === 'right' ? [] : [because, stated])]).toEqual(['right']);
      },
    );

    it('are decided, but for those that have no translation', () => {
      const left = rows.filter(({ outcome }) => outcome === 'inexpressible' || outcome === 'outside');
      const listed = Object.entries(undecided).flatMap(([reason, ids]) => ids.map((id) => [id, reason]));
      expect(left.map(({ id, because }) => [id, ...because]).sort()).toEqual(listed.sort());
    });
  });
}
