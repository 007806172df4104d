import { generateKeyPairSync, sign } from 'node:crypto';
import type { LogReport, PointReport } from '@bailiwick/contracts/enforcement/report';
import { LIMITS } from '@bailiwick/core/limits';
import { PointIdentity, readReport } from '@bailiwick/edge/point-reports';
import { KnownPoints } from './known-points';

const LOG = 'default/0';
const about = (epoch: number, more: Partial<LogReport> = {}): LogReport => ({
  log: LOG,
  epoch,
  hears: true,
  inFlight: 0,
  aborted: [],
  ...more,
});
const report = (sequence: number, logs: LogReport[], more: Partial<PointReport> = {}): PointReport => ({
  kind: 'boundary',
  process: 'host:1',
  sequence,
  boundMs: LIMITS.unheardMs,
  stopping: false,
  logs,
  ...more,
});

function world() {
  const clock = { now: 1_000_000 };
  const known = new KnownPoints({ wall: () => clock.now, monotonic: () => clock.now });
  const state = (position: number, log = LOG) => known.list({ log, position }).map((each) => each.state);
  return { clock, known, state, point: new PointIdentity('boundary') };
}

describe('KnownPoints', () => {
  it('shows when a point first enforced a position, and what it has not reported as behind', () => {
    const { clock, known, state, point } = world();
    known.take(point.sign(report(1, [about(4)])));
    expect([state(4), state(5), state(0, 'default/1')]).toEqual([['enforces'], ['behind'], ['behind']]);
    clock.now += 30;
    known.take(point.sign(report(2, [about(6)])));
    clock.now += 30;
    known.take(point.sign(report(3, [about(9)])));
    const enforcedAt = new Date(1_000_030).toISOString();
    expect(known.list({ log: LOG, position: 5 })).toMatchObject([{ name: point.name, epoch: 9, enforcedAt }]);
  });

  it('takes no report that its own point has not signed, or that is older than the last', () => {
    const { known, state, point } = world();
    const signed = point.sign(report(5, [about(4)]));
    known.take(signed);
    const other = new PointIdentity('boundary').sign(report(9, [about(99)]));
    for (const forged of [
      point.sign(report(5, [about(99)])),
      point.sign(report(4, [about(99)])),
      { ...other, key: signed.key },
      { ...signed, report: other.report },
      { ...signed, signature: other.signature },
      { ...signed, name: point.name },
      { report: signed.report },
      undefined,
    ])
      expect(known.take(forged)).toBe(false);
    expect(state(5)).toEqual(['behind']);
    known.take(other); // adds a point, and confirms nothing for another
    expect(state(5).sort()).toEqual(['behind', 'enforces']);
  });

  it('takes no report that is signed with another kind of key', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const text = JSON.stringify(report(1, []));
    const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64url');
    const signature = sign(null, Buffer.from(text), privateKey).toString('base64url');
    expect(readReport({ report: text, key, signature })).toBeUndefined();
  });

  it('shows a point that cannot hear, or that is silent beyond its bound, as not enforcing, until it is forgotten', () => {
    const { clock, known, state, point } = world();
    known.take(point.sign(report(1, [about(9, { hears: false })])));
    expect(state(4)).toEqual(['closed']);
    known.take(point.sign(report(2, [about(9)])));
    clock.now += LIMITS.unheardMs;
    expect(state(4)).toEqual(['enforces']);
    clock.now += 1;
    expect([state(4), known.totals().states]).toEqual([['silent'], { hears: 0, closed: 0, silent: 1 }]);
    clock.now += LIMITS.pointKeptMs;
    expect(state(4)).toEqual([]);
  });

  it('believes a point that takes back what it enforced, and does not show one that stops', () => {
    const { clock, known, state, point } = world();
    known.take(point.sign(report(1, [about(9)])));
    clock.now += 10;
    known.take(point.sign(report(2, [about(3)])));
    expect(state(5)).toEqual(['behind']);
    known.take(point.sign(report(3, [about(9)], { stopping: true })));
    expect(state(5)).toEqual([]);
  });

  it('counts the calls that a point aborted for one revocation', () => {
    const { known, point } = world();
    const [one, two] = ['1', '2'].map((n) => `rev_0_${n.repeat(26)}`) as [string, string];
    const aborted = [{ revocationId: one, calls: 2 }, { revocationId: two, calls: 1 }, { calls: 4 }];
    known.take(point.sign(report(1, [about(9, { aborted })])));
    const shown = (by?: string) => known.list({ log: LOG, position: 1, aborted: by })[0]?.aborted;
    expect([shown(one), shown('any'), shown(undefined)]).toEqual([2, 7, undefined]);
    expect(known.totals().aborted).toBe(7);
  });

  it('states that there are more points than it lists', () => {
    const { known } = world();
    for (let n = 0; n <= LIMITS.points; n++) known.take(new PointIdentity('boundary').sign(report(1, [])));
    expect([known.list({ log: LOG, position: 1 }).length, known.overflows]).toEqual([LIMITS.points, true]);
  });
});
