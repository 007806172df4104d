import type { LogState } from '@bailiwick/authority/state/state';
import { LIMITS } from '@bailiwick/core/limits';
import { SerialQueue } from './serial-queue';

/**
 * Trees that a log's state has forgotten, folded again for whoever asks. They may be large: one is folded at a time, who
 * asks for one that is being folded waits for it, and the last few are kept for a while, so that who was told too late
 * asks again and is told.
 */
export class ArchivedTreeLoader {
  private readonly turns: SerialQueue;
  private readonly kept = new Map<string, { readonly state: Promise<LogState>; readonly at: number }>();

  constructor(log: string) {
    this.turns = new SerialQueue(
      `trees of ${log} that ended long ago are being read`,
      LIMITS.archivedTreesWaiting,
      LIMITS.foldWaitMs,
    );
  }

  /** @throws QueueFullError where too many wait, and whatever the folding throws */
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
    const mine = { state: this.turns.take(fold), at: now };
    this.kept.set(treeId, mine);
    mine.state.catch(() => {
      if (this.kept.get(treeId) === mine) this.kept.delete(treeId); // whoever asks next tries anew
    });
    return mine.state;
  }
}
