export interface Point {
  readonly x: number;
  readonly y: number;
}
export interface Slope {
  /** units of y per unit of x */
  readonly slope: number;
  /** half the width of its 95 % confidence interval; Infinity if there are too few points */
  readonly error: number;
}

/** Fits a straight line by least squares; derives the error of its slope from the scatter around it. */
export function slopeOf(points: readonly Point[]): Slope {
  const n = points.length;
  const [meanX, meanY] = [mean(points.map(({ x }) => x)), mean(points.map(({ y }) => y))];
  const spread = sum(points.map(({ x }) => (x - meanX) ** 2));
  if (n < 3 || spread === 0) return { slope: 0, error: Infinity };
  const slope = sum(points.map(({ x, y }) => (x - meanX) * (y - meanY))) / spread;
  const rest = sum(points.map(({ x, y }) => (y - meanY - slope * (x - meanX)) ** 2));
  return { slope, error: student(n - 2) * Math.sqrt(rest / (n - 2) / spread) };
}

/** Reports whether the slope exceeds a bound with 95 % confidence. */
export const isAbove = ({ slope, error }: Slope, bound: number): boolean => slope - error > bound;

/**
 * Returns the lowest point of each stretch. For memory that is collected from time to time, this is the part that
 * remains. It also thins out frequent samples: neighboring ones correlate and would understate the error of a slope.
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

/** Returns the value below which the given share of the values lies; 0 for an empty list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => (values.length === 0 ? 0 : sum(values) / values.length);

/** Returns the two-sided 95 % quantile of Student's t, accurate to 0.01 from 3 degrees of freedom up. */
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
