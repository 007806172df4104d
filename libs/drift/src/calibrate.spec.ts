import fc from 'fast-check';
import { calibrate } from './calibrate';

fc.configureGlobal({ seed: 20261130 });

describe('calibrate', () => {
  const runs = fc.array(
    fc.record({ task: fc.stringMatching(/^[a-z]$/), score: fc.double({ min: 0, max: 1, noNaN: true }) }),
    { maxLength: 60 },
  );
  const rates = [0.1, 0.05, 0.02, 0.01];

  it('gives a higher threshold for fewer false alarms, between that of the class and the shipped one', () => {
    fc.assert(
      fc.property(runs, (given) => {
        let last = 0;
        for (const { own, shipped, threshold } of calibrate(given, rates)) {
          expect(threshold).toBeGreaterThanOrEqual(last);
          expect(threshold).toBeGreaterThanOrEqual(Math.min(own, shipped) - 0.001);
          expect(threshold).toBeLessThanOrEqual(Math.max(own, shipped) + 0.001);
          last = threshold;
        }
      }),
    );
  });

  it('states the shipped thresholds without runs, and comes near to those of the class with many tasks', () => {
    expect(calibrate([], [0.05, 0.02]).map(({ threshold }) => threshold)).toEqual([0.5, 0.6]);
    const many = Array.from({ length: 400 }, (_, at) => ({ task: `task ${at}`, score: at / 1_000 }));
    const [five] = calibrate(many, [0.05]);
    expect(five?.own).toBeCloseTo(0.38, 2);
    expect(five?.threshold).toBeLessThan(0.4);
  });

  it('counts a task once, however often it was run', () => {
    const often = Array.from({ length: 500 }, () => ({ task: 'often', score: 0.9 }));
    const others = Array.from({ length: 49 }, (_, at) => ({ task: `task ${at}`, score: 0.2 }));
    expect(calibrate([...often, ...others], [0.05])[0]?.own).toBeCloseTo(0.2, 2);
  });
});
