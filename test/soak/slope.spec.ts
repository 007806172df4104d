import { floorsOf, isAbove, quantile, slopeOf } from './slope';

const line = (ys: readonly number[]) => ys.map((y, x) => ({ x, y }));

describe('slopeOf', () => {
  it('returns the slope of the line through the points, with no error if there is no scatter', () => {
    const { slope, error } = slopeOf(line([3, 5, 7, 9, 11]));
    expect(slope).toBeCloseTo(2, 9);
    expect(error).toBeCloseTo(0, 9);
  });

  // y = 2 + 0.5 x with residuals ±1, computed by hand, t(3) = 3.182, t(8) = 2.306, t(28) = 2.048
  it.each([
    [5, 3.182],
    [10, 2.306],
    [30, 2.048],
  ])("uses the quantile of Student's t for %i points", (n, t) => {
    const points = Array.from({ length: n }, (_, x) => ({ x, y: 2 + 0.5 * x + (x % 2 === 0 ? 1 : -1) }));
    const { slope, error } = slopeOf(points);
    const [mx, my] = [(n - 1) / 2, points.reduce((s, { y }) => s + y, 0) / n];
    const sxx = points.reduce((s, { x }) => s + (x - mx) ** 2, 0);
    const rest = points.reduce((s, { x, y }) => s + (y - my - slope * (x - mx)) ** 2, 0);
    expect(error / Math.sqrt(rest / (n - 2) / sxx)).toBeCloseTo(t, 2);
  });

  it('exceeds a bound only outside its error, and has an infinite error for too few points', () => {
    expect(isAbove(slopeOf(line([0, 1, 2, 3])), 0.9)).toBe(true);
    expect(isAbove(slopeOf(line([0, 1, 2, 3])), 1.1)).toBe(false);
    expect(isAbove(slopeOf(line([0, 9, -3, 7, 2])), 0)).toBe(false);
    expect(slopeOf(line([0, 100]))).toEqual({ slope: 0, error: Infinity });
  });
});

it('floorsOf returns the lowest point of each tooth of a sawtooth', () => {
  const saw = Array.from({ length: 100 }, (_, x) => ({ x, y: 500 + x + 40 * (x % 10) }));
  const floors = floorsOf(saw, 10);
  expect(floors).toHaveLength(10);
  expect(slopeOf(floors).slope).toBeCloseTo(1, 6);
});

it('quantile returns one of the values, or 0 for an empty list', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile([7], 0.99), quantile([], 0.5)]).toEqual([
    51, 100, 7, 0,
  ]);
});
