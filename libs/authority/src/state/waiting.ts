/** What the order of approvals that wait depends on. */
interface Asked {
  readonly turn: number;
  readonly position: number;
  readonly status: string;
}

/**
 * The approvals that wait for a person, in turns: the first that each run waits for, then the second of each run, and so
 * on, so that a run that asks a hundred times hides no other. The turn of an approval is fixed when it is asked for, so a
 * page that begins after (turn, position) neither repeats nor skips one. Derived from the nodes.
 */
export class Waiting<T extends Asked> {
  /** by turn; each list in order of position, with some that have been answered since */
  private readonly turns: { list: T[]; answered: number }[] = [];

  add(approval: T): void {
    while (this.turns.length < approval.turn) this.turns.push({ list: [], answered: 0 });
    (this.turns[approval.turn - 1] as { list: T[] }).list.push(approval);
  }

  /** It waits no more. What a list holds in vain is never more than what it holds. */
  end({ turn }: T): void {
    const of = this.turns[turn - 1];
    if (!of) return;
    of.answered += 1;
    if (of.answered * 2 <= of.list.length) return;
    of.list = of.list.filter(isPending);
    of.answered = 0;
  }

  /** Those that wait, in turns, after a place. */
  *after(turn: number, position: number): Generator<T> {
    for (let i = Math.max(0, turn - 1); i < this.turns.length; i++) {
      const { list } = this.turns[i] as { list: T[] };
      // a list that is made smaller while its entries are taken is replaced, and not changed
      for (let at = i === turn - 1 ? firstAfter(list, position) : 0; at < list.length; at++) {
        const each = list[at] as T;
        if (isPending(each)) yield each;
      }
    }
  }

  /** Those that wait and were asked for at or after a position, the newest of each turn first. */
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

/** The index of the first entry after a position. */
function firstAfter(list: readonly Asked[], position: number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as Asked).position <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
