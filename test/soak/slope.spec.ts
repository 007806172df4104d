import { floorsOf, isAbove, quantile, slopeOf } from './slope';

const line = (ys: readonly number[]) => ys.map((y, x) => ({ x, y }));

describe('a slope', () => {
  it('is that of the line through the points, and sure where there is no scatter', () => {
    const { slope, error } = slopeOf(line([3, 5, 7, 9, 11]));
    expect(slope).toBeCloseTo(2, 9);
    expect(error).toBeCloseTo(0, 9);
  });

  // y = 2 + 0.5 x with residuals ±1: worked by hand, t(3) = 3.182, t(8) = 2.306, t(28) = 2.048
  it.each([
    [5, 3.182],
    [10, 2.306],
    [30, 2.048],
  ])('is as sure as Student has it: %i points', (n, t) => {
    const points = Array.from({ length: n }, (_, x) => ({ x, y: 2 + 0.5 * x + (x % 2 === 0 ? 1 : -1) }));
    const { slope, error } = slopeOf(points);
    const [mx, my] = [(n - 1) / 2, points.reduce((s, { y }) => s + y, 0) / n];
    const sxx = points.reduce((s, { x }) => s + (x - mx) ** 2, 0);
    const rest = points.reduce((s, { x, y }) => s + (y - my - slope * (x - mx)) ** 2, 0);
    expect(error / Math.sqrt(rest / (n - 2) / sxx)).toBeCloseTo(t, 2);
  });

  it('is above a bound only where the scatter leaves no doubt; of too few points nothing is said', () => {
    expect(isAbove(slopeOf(line([0, 1, 2, 3])), 0.9)).toBe(true);
    expect(isAbove(slopeOf(line([0, 1, 2, 3])), 1.1)).toBe(false);
    expect(isAbove(slopeOf(line([0, 9, -3, 7, 2])), 0)).toBe(false);
    expect(slopeOf(line([0, 100]))).toEqual({ slope: 0, error: Infinity });
  });
});

it('the floor of a saw is what is left after each tooth', () => {
  const saw = Array.from({ length: 100 }, (_, x) => ({ x, y: 500 + x + 40 * (x % 10) }));
  const floors = floorsOf(saw, 10);
  expect(floors).toHaveLength(10);
  expect(slopeOf(floors).slope).toBeCloseTo(1, 6);
});

it('a quantile is a value that was there', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile([7], 0.99), quantile([], 0.5)]).toEqual([
    51, 100, 7, 0,
  ]);
});
