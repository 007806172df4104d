import { LIMITS } from '@bailiwick/core/limits';

/** The most runs to forget at once, except that trees that went quiet at the same time are forgotten together. */
const MOST_RUNS = 10_000;

/** The parts of a tree that decide when it is forgotten. */
interface Quiet {
  readonly id: string;
  readonly quietAt: number | undefined;
  readonly runs: readonly unknown[];
}

/** Ended trees, ordered by the time of their last event, until they are forgotten. */
export class Ended<Tree extends Quiet> {
  /** in the order of `quietAt`: maps keep the order of insertion */
  private readonly quiet = new Map<string, Tree>();
  /** the number of forgotten nodes whose deadlines are still in the heap */
  stale = 0;

  add(tree: Tree): void {
    this.quiet.set(tree.id, tree);
  }

  take({ id }: Tree): void {
    this.quiet.delete(id);
  }

  /** Takes the trees to forget now: all trees of one time or none, since another fold may order them differently. */
  due(now: number): Tree[] {
    const due: Tree[] = [];
    let [runs, last] = [0, NaN];
    for (const tree of this.quiet.values()) {
      const quietAt = tree.quietAt as number;
      if (quietAt + LIMITS.endedKeptMs > now || (runs >= MOST_RUNS && quietAt !== last)) break;
      this.quiet.delete(tree.id);
      due.push(tree);
      runs += tree.runs.length;
      last = quietAt;
    }
    return due;
  }
}
