export type DeadlineKind = 'grant' | 'approval' | 'action' | 'suspension' | 'responder';
export interface Deadline {
  readonly at: number;
  readonly kind: DeadlineKind;
  readonly id: string;
}

/**
 * A binary heap of pending deadlines, the soonest first. It is derived from the nodes and may hold deadlines of nodes
 * that have ended since, so a caller that pops one checks the node. Ties are broken by id: two folds of one log pop in
 * the same order.
 */
export class Deadlines {
  private readonly heap: Deadline[] = [];

  get size(): number {
    return this.heap.length;
  }

  peek(): Deadline | undefined {
    return this.heap[0];
  }

  add(deadline: Deadline): void {
    this.heap.push(deadline);
    this.rise(this.heap.length - 1);
  }

  /** Drops every deadline that is not wanted; otherwise each would stay until it surfaces. */
  keep(wanted: (deadline: Deadline) => boolean): void {
    let kept = 0;
    for (const each of this.heap) {
      if (!wanted(each)) continue;
      this.heap[kept] = each;
      this.rise(kept);
      kept += 1;
    }
    this.heap.length = kept;
  }

  private rise(from: number): void {
    const heap = this.heap;
    let i = from;
    while (i > 0) {
      const up = (i - 1) >> 1;
      if (!before(heap[i] as Deadline, heap[up] as Deadline)) break;
      this.swap(i, up);
      i = up;
    }
  }

  pop(): Deadline | undefined {
    const heap = this.heap;
    const top = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return top;
    heap[0] = last;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      const right = left + 1;
      let least = i;
      if (left < heap.length && before(heap[left] as Deadline, heap[least] as Deadline)) least = left;
      if (right < heap.length && before(heap[right] as Deadline, heap[least] as Deadline)) least = right;
      if (least === i) return top;
      this.swap(i, least);
      i = least;
    }
  }

  private swap(a: number, b: number): void {
    const kept = this.heap[a] as Deadline;
    this.heap[a] = this.heap[b] as Deadline;
    this.heap[b] = kept;
  }
}

function before(a: Deadline, b: Deadline): boolean {
  return a.at !== b.at ? a.at < b.at : a.id < b.id;
}
