import type { LogState } from '@bailiwick/authority/state/state';
import { LIMITS } from '@bailiwick/core/limits';
import { SerialQueue } from '../serial-queue';

/**
 * Loads trees that the state of a log no longer holds, by folding them again. They may be large: one is folded at a
 * time, concurrent requests for one tree share its fold, and the last few are cached, so that a request that timed out
 * finds its tree on the next attempt.
 */
export class ArchivedTreeLoader {
  private readonly queue: SerialQueue;
  private readonly kept = new Map<string, { readonly state: Promise<LogState>; readonly at: number }>();

  constructor(log: string) {
    this.queue = new SerialQueue(
      `trees of ${log} that ended long ago are being read`,
      LIMITS.archivedTreesWaiting,
      LIMITS.foldWaitMs,
    );
  }

  /** @throws QueueFullError if too many requests wait, and any error of the fold */
  take(treeId: string, fold: () => Promise<LogState>): Promise<LogState> {
    const now = performance.now();
    const isFresh = ({ at }: { at: number }): boolean => now - at < LIMITS.archivedTreeKeptMs;
    const known = this.kept.get(treeId);
    if (known && isFresh(known)) return known.state;
    this.kept.delete(treeId);
    for (const [id, each] of this.kept) {
      if (isFresh(each) && this.kept.size < LIMITS.archivedTreesKept) break;
      this.kept.delete(id);
    }
    const mine = { state: this.queue.take(fold), at: now };
    this.kept.set(treeId, mine);
    mine.state.catch(() => {
      if (this.kept.get(treeId) === mine) this.kept.delete(treeId); // the next request folds it again
    });
    return mine.state;
  }
}
