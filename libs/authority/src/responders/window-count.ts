/** The parts of a window: a count covers the window, and up to one more part. */
const PARTS = 16;

/** A count within a time, in a fixed number of parts. */
export interface WindowCount {
  /** the number of the newest part, and the counts of it and of those before it */
  part: number;
  readonly counts: number[];
}

/** Adds to a count at a time and returns the count within the time until then. Time does not go back in a log. */
export function addTo(count: WindowCount, withinMs: number, at: number, weight: number): number {
  const part = Math.floor(at / Math.max(1, withinMs / PARTS));
  const passed = Math.min(part - count.part, PARTS + 1);
  for (let i = 0; i < passed; i++) {
    count.counts.unshift(0);
    if (count.counts.length > PARTS + 1) count.counts.pop();
  }
  if (passed > 0) count.part = part;
  count.counts[0] = Math.min((count.counts[0] ?? 0) + weight, Number.MAX_SAFE_INTEGER);
  return count.counts.reduce((sum, each) => sum + each, 0);
}

export const newCount = (): WindowCount => ({ part: 0, counts: [0] });
