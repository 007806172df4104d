/** The members that decide the order of pending approvals. */
interface Asked {
  readonly turn: number;
  readonly position: number;
  readonly status: string;
}

/**
 * The pending approvals in turns: the first of each run, then the second of each run, and so forth, so that a run that
 * asks a hundred times hides no other. The turn of an approval is fixed when it is requested, so a page that starts
 * after (turn, position) neither repeats nor skips one. Derived from the nodes.
 */
export class Waiting<T extends Asked> {
  /** by turn; each list in order of position, with some that have been answered since */
  private readonly turns: { list: T[]; answered: number }[] = [];

  add(approval: T): void {
    while (this.turns.length < approval.turn) this.turns.push({ list: [], answered: 0 });
    (this.turns[approval.turn - 1] as { list: T[] }).list.push(approval);
  }

  /** Removes an approval. A list never holds more answered entries than pending ones. */
  end({ turn }: T): void {
    const of = this.turns[turn - 1];
    if (!of) return;
    of.answered += 1;
    if (of.answered * 2 <= of.list.length) return;
    of.list = of.list.filter(isPending);
    of.answered = 0;
  }

  /** Yields the pending approvals in turns, after a place. */
  *after(turn: number, position: number): Generator<T> {
    for (let i = Math.max(0, turn - 1); i < this.turns.length; i++) {
      const { list } = this.turns[i] as { list: T[] };
      // a list that shrinks during the iteration is replaced, not changed
      for (let at = i === turn - 1 ? firstAfter(list, position) : 0; at < list.length; at++) {
        const each = list[at] as T;
        if (isPending(each)) yield each;
      }
    }
  }

  /** Yields the approvals that are pending and were requested at or after a position, the newest of each turn first. */
  *since(position: number): Generator<T> {
    for (const { list } of this.turns) {
      for (let at = list.length - 1; at >= 0; at--) {
        const each = list[at] as T;
        if (each.position < position) break;
        if (isPending(each)) yield each;
      }
    }
  }
}

const isPending = ({ status }: Asked): boolean => status === 'pending';

/** Returns the index of the first entry after a position. */
function firstAfter(list: readonly Asked[], position: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as Asked).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
