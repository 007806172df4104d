import type { PointsAnswer, PointView } from '@bailiwick/contracts/enforcement/points';
import { effectText, ms, pointsText } from './effect-text';

const owner: PointView = { name: 'owner of default/0', kind: 'owner', state: 'enforces', epoch: 9, afterMs: 0 };
const boundary: PointView = {
  name: 'boundary-1',
  kind: 'boundary',
  state: 'enforces',
  process: 'web-1:77',
  epoch: 9,
  afterMs: 46,
  inFlight: 0,
  aborted: 1,
};
const answer = (items: PointView[]): PointsAnswer => ({
  log: 'default/0',
  position: 8,
  confirmed: items.every(({ state }) => state === 'enforces'),
  items,
  tokensEndBy: '2026-11-30T23:00:51.000Z',
  next: null,
});

describe('effectText', () => {
  it('shows how long each point took, and that all of them confirmed', () => {
    expect(effectText(answer([owner, boundary])).split('\n')).toEqual([
      '   enforcement point   in effect after  in flight  aborted  process',
      '✓  owner of default/0          at once          –        –',
      '✓  boundary-1                    46 ms          0        1  web-1:77',
      '',
      'in effect at 2 of 2 enforcement points, 46 ms after the event, 1 call in flight aborted',
      'tokens of calls that were permitted before expire by 23:00:51 UTC',
    ]);
  });

  it.each<[Partial<PointView>, string]>([
    [{ state: 'silent', silentMs: 7_400, boundMs: 5_000 }, 'boundary-1 (web-1:77) has been silent for 7.4 s.'],
    [{ state: 'closed', boundMs: 5_000 }, 'boundary-1 (web-1:77) cannot hear the log.'],
    [{ state: 'behind' }, 'boundary-1 (web-1:77) reports, and has not confirmed in time'],
  ])('states what a point does that has not confirmed: %j', (state, part) => {
    const text = effectText(answer([owner, { ...boundary, ...state }]));
    expect(text).toContain(part);
    expect(text).toContain('not confirmed');
    expect(text).toContain('NOT CONFIRMED by 1 of 2 enforcement points');
  });

  it('shows a point that has gone, and does not count it', () => {
    const gone: PointView = { name: 'boundary-2', kind: 'boundary', state: 'gone', silentMs: 720_000, boundMs: 5_000 };
    const text = effectText({ ...answer([owner, boundary, gone]), confirmed: true });
    expect(text).toContain('in effect at 2 of 2 enforcement points');
    expect(text).toContain('–  boundary-2                     gone');
    expect(text).toContain('boundary-2 has not reported for 720 s, and is taken for gone.');
  });

  it('states that the gateway may not know every point yet', () => {
    const text = effectText({ ...answer([owner]), confirmed: false, settlingMs: 4_200 });
    expect(text).toContain('NOT CONFIRMED: the gateway may not know every enforcement point yet (default/0:8)');
    expect(text).toContain('Ask again in 5 s with: bailiwick points');
  });

  it('names points that are not listed', () => {
    const leftOut = Array.from({ length: 10 }, (_, n) => `boundary-${n}`);
    const text = effectText({ ...answer([owner]), confirmed: false, overflow: true, leftOut });
    expect(text).toContain(
      'NOT CONFIRMED: more enforcement points report than can be listed; not listed: boundary-0, ',
    );
    expect(text).toContain('boundary-7 and 2 others');
  });

  it('lets no name of a point control the terminal', () => {
    expect(effectText(answer([owner, { ...boundary, process: 'a\u001b[2Jb' }]))).not.toContain('\u001b');
  });
});

it('pointsText shows the position up to which each point enforces', () => {
  expect(pointsText(answer([owner]))).toContain('all of default/0 is enforced, up to 8');
});

it.each([
  [0.4, '0 ms'],
  [999, '999 ms'],
  [5_000, '5 s'],
  [7_449, '7.4 s'],
])('writes %d ms as %s', (value, text) => expect(ms(value)).toBe(text));
