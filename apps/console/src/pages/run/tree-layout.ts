/**
 * Where the leases of a tree are drawn: a column for each level of delegation, and in it each lease as tall as all leases
 * below it that delegate nothing. Computed once for a tree; what is visible of it is found by binary search, so that the
 * cost of a picture depends on its size and not on that of the tree.
 */

/** What matters about the status of a lease, worst first. */
export const TONES = ['bad', 'wait', 'good', 'idle'] as const;
export type Tone = (typeof TONES)[number];

export interface Lease {
  readonly id: string;
  readonly parentId?: string | undefined;
  readonly tone: Tone;
}

/** The leases of one level, from the first to the last. Heights and places are in rows: one for each lease at the end. */
export interface Column {
  /** place in the list that was laid out */
  readonly lease: Int32Array;
  readonly top: Int32Array;
  readonly rows: Int32Array;
  /** for each tone: how many of the leases before this one have it */
  readonly before: readonly Int32Array[];
}
export interface Layout {
  readonly columns: readonly Column[];
  readonly rows: number;
  readonly leases: number;
}

/** One lease, or several that are too small to be drawn apart. Both in rows. */
export interface Block {
  readonly column: number;
  readonly top: number;
  readonly rows: number;
  /** place in the list that was laid out, if the block is one lease */
  readonly lease?: number;
  readonly count: number;
  /** how many have each of `TONES` */
  readonly tones: readonly number[];
}

/** A lease whose parent is not in the list is drawn as a root. */
export function layOut(leases: readonly Lease[]): Layout {
  const { parents, firstChild, nextSibling, roots } = linked(leases);
  const levels: { lease: number[]; top: number[]; rows: number[] }[] = [];
  const placed = new Int32Array(leases.length);
  let rows = 0;
  const enter = (lease: number, level: number): void => {
    const column = (levels[level] ??= { lease: [], top: [], rows: [] });
    placed[lease] = column.lease.length;
    column.lease.push(lease);
    column.top.push(rows);
    column.rows.push(1);
    if (firstChild[lease] === NONE) rows += 1;
  };
  /** Its height is known once everything below it is placed. */
  const leave = (lease: number, level: number): void => {
    const column = levels[level];
    const at = placed[lease] ?? 0;
    if (column) column.rows[at] = rows - (column.top[at] ?? 0);
  };
  for (const root of roots) {
    let lease = root;
    let level = 0;
    enter(lease, level);
    for (;;) {
      const child = firstChild[lease] ?? NONE;
      if (child !== NONE) {
        lease = child;
        level += 1;
        enter(lease, level);
        continue;
      }
      while (lease !== root && nextSibling[lease] === NONE) {
        lease = parents[lease] ?? root;
        level -= 1;
        leave(lease, level);
      }
      if (lease === root) break;
      lease = nextSibling[lease] ?? root;
      enter(lease, level);
    }
  }
  const columns = levels.map((level) => ({
    lease: Int32Array.from(level.lease),
    top: Int32Array.from(level.top),
    rows: Int32Array.from(level.rows),
    before: sums(level.lease, leases),
  }));
  return { columns, rows, leases: leases.length };
}

const NONE = -1;

/** For each lease the places of its parent, its first child and its next sibling. */
function linked(leases: readonly Lease[]): {
  parents: Int32Array;
  firstChild: Int32Array;
  nextSibling: Int32Array;
  roots: number[];
} {
  const places = new Map<string, number>();
  for (const [at, { id }] of leases.entries()) places.set(id, at);
  const none = (): Int32Array => new Int32Array(leases.length).fill(NONE);
  const [parents, firstChild, nextSibling] = [none(), none(), none()];
  const roots: number[] = [];
  for (let at = leases.length - 1; at >= 0; at -= 1) {
    const parentId = leases[at]?.parentId;
    const parent = parentId === undefined ? undefined : places.get(parentId);
    if (parent === undefined) {
      roots.push(at);
      continue;
    }
    parents[at] = parent;
    nextSibling[at] = firstChild[parent] ?? NONE;
    firstChild[parent] = at;
  }
  return { parents, firstChild, nextSibling, roots: roots.reverse() };
}

function sums(places: readonly number[], leases: readonly Lease[]): Int32Array[] {
  return TONES.map((tone) => {
    const before = new Int32Array(places.length + 1);
    let sum = 0;
    for (let at = 0; at < places.length; at += 1) {
      if (leases[places[at] ?? 0]?.tone === tone) sum += 1;
      before[at + 1] = sum;
    }
    return before;
  });
}

/**
 * The blocks of a column between two rows. Leases of fewer than `smallest` rows are put together with the next ones until
 * they are as tall: there are at most twice as many blocks as fit between the two rows.
 */
export function blocksOf(layout: Layout, column: number, from: number, to: number, smallest: number): Block[] {
  const leases = layout.columns[column];
  if (!leases) return [];
  const { top, rows } = leases;
  const blocks: Block[] = [];
  let at = Math.max(0, firstAtOrAfter(top, from) - 1);
  while (at < top.length && (top[at] ?? 0) < to) {
    const start = top[at] ?? 0;
    const isAlone = (rows[at] ?? 0) >= smallest;
    let end = isAlone ? at + 1 : Math.max(at + 1, firstAtOrAfter(top, start + smallest));
    // a large one further down is drawn separately
    if (!isAlone) for (let next = at + 1; next < end; next += 1) if ((rows[next] ?? 0) >= smallest) end = next;
    const last = end - 1;
    blocks.push({
      column,
      top: start,
      rows: (top[last] ?? 0) + (rows[last] ?? 0) - start,
      ...(end === at + 1 ? { lease: leases.lease[at] ?? 0 } : {}),
      count: end - at,
      tones: leases.before.map((before) => (before[end] ?? 0) - (before[at] ?? 0)),
    });
    at = end;
  }
  return blocks;
}

/** The first place whose value is at least `value`; the length if there is none. */
function firstAtOrAfter(sorted: Int32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
