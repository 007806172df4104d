import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { LIMITS } from '@bailiwick/core/limits';
import { ArchivedTreeLoader } from './archived-tree-loader';

describe('ArchivedTreeLoader', () => {
  const state = (n: number): LogState => emptyState(`default/${n}`, 'default', n);
  /** Provides folds that the test ends. */
  function folding() {
    const started: string[] = [];
    const ends = new Map<string, (state: LogState) => void>();
    const fold = (id: string) => (): Promise<LogState> => {
      started.push(id);
      return new Promise((resolve) => ends.set(id, resolve));
    };
    return { started, fold, end: (id: string, with_: LogState) => ends.get(id)?.(with_) };
  }
  const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('folds one tree at a time, and once for all concurrent requests', async () => {
    const loader = new ArchivedTreeLoader('default/0');
    const { started, fold, end } = folding();
    const [one, again, other] = [
      loader.take('one', fold('one')),
      loader.take('one', fold('one')),
      loader.take('other', fold('other')),
    ];
    await breathe();
    expect(started).toEqual(['one']);
    const folded = state(1);
    end('one', folded);
    expect(await one).toBe(folded);
    expect(await again).toBe(folded);
    await breathe();
    expect(started).toEqual(['one', 'other']);
    end('other', state(2));
    await other;
    expect(await loader.take('one', fold('one'))).toBe(folded);
    expect(started).toEqual(['one', 'other']);
  });

  it('caches a few trees for a limited time', async () => {
    const loader = new ArchivedTreeLoader('default/0');
    let folds = 0;
    const fold = (): Promise<LogState> => Promise.resolve(state((folds += 1)));
    for (let n = 0; n <= LIMITS.archivedTreesKept; n++) await loader.take(`tree ${n}`, fold);
    const before = folds;
    await loader.take(`tree ${LIMITS.archivedTreesKept}`, fold);
    expect(folds).toBe(before);
    await loader.take('tree 0', fold);
    expect(folds).toBe(before + 1);
    const later = performance.now() + LIMITS.archivedTreeKeptMs;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(later);
    await loader.take('tree 0', fold);
    expect(folds).toBe(before + 2);
    clock.mockRestore();
  });

  it('folds a tree again after a failure', async () => {
    const loader = new ArchivedTreeLoader('default/0');
    await expect(loader.take('one', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone');
    const folded = state(1);
    expect(await loader.take('one', () => Promise.resolve(folded))).toBe(folded);
  });
});
