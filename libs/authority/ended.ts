import { LIMITS } from '#kernel/limits';

/** What is to be known of a tree to forget it in time. */
export interface EndedTree {
  readonly id: string;
  readonly quietAt: number | undefined;
  readonly runs: number;
}

/** Trees in which nothing goes on, by when the last event of each was: until then it was of use to somebody. */
export class Ended {
  /** in the order of `quietAt`: maps keep the order of insertion */
  private readonly quiet = new Map<string, EndedTree>();
  /** whose time has come, and how many runs each has */
  readonly leaving = new Map<string, number>();
  /** of all that leave */
  private runs = 0;

  add(tree: EndedTree): void {
    this.quiet.set(tree.id, tree);
  }

  take({ id }: EndedTree): void {
    this.quiet.delete(id);
    this.runs -= this.leaving.get(id) ?? 0;
    this.leaving.delete(id);
  }

  /** All that leave at a time; how many runs they have. */
  due(now: number): number {
    for (const [id, tree] of this.quiet) {
      if ((tree.quietAt as number) + LIMITS.endedKeptMs > now) break;
      this.quiet.delete(id);
      this.leaving.set(id, tree.runs);
      this.runs += tree.runs;
    }
    return this.runs;
  }

  gone(): void {
    this.leaving.clear();
    this.runs = 0;
  }
}
