import { facts, NOW, situation, verdictText, wider } from '../testing/facts';
import { purpose } from './purpose';

const limit = (stepUpAt: number, suspendAt: number, ...delegatedSources: string[]) => ({
  onDrift: { stepUpAt, suspendAt },
  delegatedSources,
});

describe('purpose', () => {
  it.each([
    [0, 'write', 'permit'],
    [0.59, 'write', 'permit'],
    [0.6, 'write', 'step-up DRIFT_STEP_UP'],
    [0.6, 'exec', 'step-up DRIFT_STEP_UP'],
    [0.6, 'external', 'step-up DRIFT_STEP_UP'],
    [0.6, 'read', 'permit'],
    [0.84, 'read', 'permit'],
    [0.85, 'read', 'deny DRIFT_STEP_UP'],
    [0.85, 'write', 'deny DRIFT_STEP_UP'],
    [1, 'read', 'deny DRIFT_STEP_UP'],
    ['unavailable', 'read', 'permit'],
    ['unavailable', 'write', 'step-up DRIFT_UNAVAILABLE'],
    [NaN, 'write', 'step-up DRIFT_UNAVAILABLE'],
    [Infinity, 'external', 'step-up DRIFT_UNAVAILABLE'],
  ] as const)('answers drift %s and effect %s with %s', (drift, effect, verdict) => {
    expect(verdictText(purpose.admits(limit(0.6, 0.85), facts({ effect }), situation({ drift }), NOW))).toBe(verdict);
  });

  it('applies a threshold of 0 at the first sign of drift', () => {
    expect(verdictText(purpose.admits(limit(0, 0), facts(), situation({ drift: 0 }), NOW))).toBe('permit');
    expect(verdictText(purpose.admits(limit(0, 0), facts(), situation({ drift: 0.01 }), NOW))).toBe(
      'deny DRIFT_STEP_UP',
    );
  });

  it.each([
    [limit(0.6, 0.85, 'a'), []],
    [limit(0.5, 0.8), []],
    [limit(0.61, 0.85), ['purpose.onDrift.stepUpAt']],
    [limit(0.6, 0.86), ['purpose.onDrift.suspendAt']],
    [limit(0.6, 0.85, 'a', 'c'), ['purpose.delegatedSources']],
    [limit(NaN, NaN), ['purpose.onDrift.stepUpAt', 'purpose.onDrift.suspendAt']],
  ])('%j is wider than 0.6, 0.85, a and b at %j', (child, paths) => {
    expect(wider(purpose.attenuates(child, limit(0.6, 0.85, 'a', 'b')))).toEqual(paths);
  });

  it('meets in the lower thresholds and the common sources', () => {
    expect(purpose.meet(limit(0.6, 0.7, 'b', 'a'), limit(0.5, 0.9, 'b'))).toEqual(limit(0.5, 0.7, 'b'));
  });
});
