import { isNear } from './near-name';

describe('isNear', () => {
  it.each([
    ['browser-agent', 'browser_agent'],
    ['browser-agent', 'BrowserAgent'],
    ['browser-agent', 'browser-agents'],
    ['browser-agent', 'browser-agnet'],
    ['browser-agent', 'browzer-agent'],
    ['browser-agent', 'browserr agent'],
  ])('finds that %s could be meant by %s', (one, other) =>
    expect([isNear(one, other), isNear(other, one)]).toEqual([true, true]),
  );

  it.each([
    ['browser-agent', 'browser-agent'],
    ['browser-agent', 'browser'],
    ['class-1', 'class-2'],
    ['model-2026-05', 'model-2026-06'],
    ['bot', 'bat'],
    ['--', '__'],
  ])('does not confuse %s and %s', (one, other) => expect(isNear(one, other)).toBe(false));
});
