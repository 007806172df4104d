export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface Slope {
  /** units of y per unit of x */
  readonly slope: number;
  /** half the width of its 95 % confidence interval; Infinity where nothing can be said */
  readonly error: number;
}

/** A straight line through points by least squares, and how sure its slope is, by the scatter around it. */
export function slopeOf(points: readonly Point[]): Slope {
  const n = points.length;
  const [meanX, meanY] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))];
  const spread = sum(points.map(({ x }) => (x - meanX) ** 2));
  if (n < 3 || spread === 0) return { slope: 0, error: Infinity };
  const slope = sum(points.map(({ x, y }) => (x - meanX) * (y - meanY))) / spread;
  const rest = sum(points.map(({ x, y }) => (y - meanY - slope * (x - meanX)) ** 2));
  return { slope, error: student(n - 2) * Math.sqrt(rest / (n - 2) / spread) };
}

/** Surely above a bound, whatever the scatter. */
export const isAbove = ({ slope, error }: Slope, bound: number): boolean => slope - error > bound;

/**
 * The least of each stretch: of memory that is collected now and then, what is left each time. Of what is sampled often,
 * neighbours are alike, and would make a slope look surer than it is.
 */
export function floorsOf(points: readonly Point[], stretches: number): Point[] {
  const [first, last] = [points[0]?.x ?? 0, points[points.length - 1]?.x ?? 0];
  const width = (last - first) / stretches || 1;
  const least = new Map<number, Point>();
  for (const point of points) {
    const stretch = Math.min(stretches - 1, Math.floor((point.x - first) / width));
    const known = least.get(stretch);
    if (!known || point.y < known.y) least.set(stretch, point);
  }
  return [...least.values()];
}

/** The value below which a share of all lie; 0 of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);

/** The two-sided 95 % quantile of Student's t, to a hundredth from 3 degrees of freedom on. */
function student(freedom: number): number {
  if (freedom === 1) return 12.706;
  if (freedom === 2) return 4.303;
  const z = 1.959964;
  const terms = [
    (z ** 3 + z) / 4,
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92_160,
  ];
  return terms.reduce((t, term, i) => t + term / freedom ** (i + 1), z);
}
