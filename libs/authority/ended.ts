import { LIMITS } from '#kernel/limits';

/** What is to be known of a tree to forget it in time. */
export interface EndedTree {
  readonly id: string;
  readonly keyed: boolean;
  readonly quietAt: number | undefined;
  readonly runs: number;
}

/** Trees in which nothing goes on, by when the last event of each was: until then it was of use to somebody. */
export class Ended {
  /** in the order of `quietAt`: maps keep the order of insertion */
  private readonly unkeyed = new Map<string, EndedTree>();
  private readonly keyed = new Map<string, EndedTree>();
  /** whose time has come, and how many runs each has */
  readonly leaving = new Map<string, number>();
  /** of all that leave */
  private runs = 0;

  add(tree: EndedTree): void {
    (tree.keyed ? this.keyed : this.unkeyed).set(tree.id, tree);
  }

  take(tree: EndedTree): void {
    this.unkeyed.delete(tree.id);
    this.keyed.delete(tree.id);
    this.runs -= this.leaving.get(tree.id) ?? 0;
    this.leaving.delete(tree.id);
  }

  /** All that leave at a time; how many runs they have. */
  due(now: number): number {
    for (const [trees, keptMs] of [
      [this.unkeyed, LIMITS.endedKeptMs],
      [this.keyed, LIMITS.endedKeptMs + LIMITS.idempotencyMs],
    ] as const) {
      for (const tree of trees.values()) {
        if ((tree.quietAt as number) + keptMs > now) break;
        trees.delete(tree.id);
        this.leaving.set(tree.id, tree.runs);
        this.runs += tree.runs;
      }
    }
    return this.runs;
  }

  gone(): void {
    this.leaving.clear();
    this.runs = 0;
  }
}
