import { LIMITS } from '@bailiwick/core/limits';

/** So many runs are forgotten at once, and no more than that with those of the same time: others wait for their turn. */
const MOST_RUNS = 10_000;

/** What is to be known of a tree to forget it in time. */
interface Quiet {
  readonly id: string;
  readonly quietAt: number | undefined;
  readonly runs: readonly unknown[];
}

/** Trees in which nothing goes on, by when the last event of each was: until then it was of use to somebody. */
export class Ended<Tree extends Quiet> {
  /** in the order of `quietAt`: maps keep the order of insertion */
  private readonly quiet = new Map<string, Tree>();
  /** what was forgotten, and is still among the deadlines */
  stale = 0;

  add(tree: Tree): void {
    this.quiet.set(tree.id, tree);
  }

  take({ id }: Tree): void {
    this.quiet.delete(id);
  }

  /** Takes those that are to be forgotten now: all of one time or none, since their order may be another in another fold. */
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
