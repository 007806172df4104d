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

/** All places are taken, or some of them. */
function full(places: number = LIMITS.points) {
  const made = world();
  const others = Array.from({ length: places }, () => new PointIdentity('boundary'));
  for (const other of others) made.known.take(other.sign(report(1, [])));
  return { ...made, others, listed: () => made.known.list({ log: LOG, position: 1 }).map(({ name }) => name) };
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

  it('shows a point that cannot hear, or that is silent beyond its bound, as not enforcing, and as gone once its calls must have ended', () => {
    const { clock, known, state, point } = world();
    known.take(point.sign(report(1, [about(9, { hears: false })])));
    expect(state(4)).toEqual(['closed']);
    known.take(point.sign(report(2, [about(9)])));
    clock.now += LIMITS.unheardMs;
    expect(state(4)).toEqual(['enforces']);
    clock.now += 1;
    expect([state(4), known.totals().states]).toEqual([['silent'], { hears: 0, closed: 0, silent: 1, gone: 0 }]);
    clock.now += LIMITS.pointKeptMs - LIMITS.unheardMs - 1;
    expect(state(4)).toEqual(['silent']);
    clock.now += 1;
    expect([state(4), known.totals()]).toMatchObject([['gone'], { states: { silent: 0, gone: 1 }, silentMs: 0 }]);
    expect(LIMITS.pointKeptMs).toBeGreaterThan(LIMITS.boundaryCallMs + LIMITS.unheardMs);
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

  it('names the points that it has no place for, until they have one', () => {
    const { known, others, listed } = full();
    const late = new PointIdentity('boundary');
    expect(known.take(late.sign(report(1, [])))).toBe(false);
    expect([listed().length, known.leftOut]).toEqual([LIMITS.points, [late.name]]);
    known.take(others[0]?.sign(report(2, [], { stopping: true })));
    known.take(late.sign(report(2, [])));
    expect([listed().length, listed().includes(late.name), known.leftOut]).toEqual([LIMITS.points, true, []]);
  });

  it('gives the place of a point that has stopped to another at once, and takes no report again that it made before', () => {
    const { known, listed } = full(LIMITS.points - 1);
    const stopped = new PointIdentity('boundary');
    const before = stopped.sign(report(1, [about(9)]));
    known.take(before);
    known.take(stopped.sign(report(2, [about(9)], { stopping: true })));
    expect([known.take(before), listed().includes(stopped.name)]).toEqual([false, false]);
    expect(known.take(new PointIdentity('boundary').sign(report(1, [])))).toBe(true);
    expect([listed().length, known.leftOut]).toEqual([LIMITS.points, []]);
  });

  it('gives the place of the point that has been silent longest to another, and only if it was silent for long', () => {
    const { clock, known, others, listed } = full();
    clock.now += LIMITS.pointKeptMs;
    for (const other of others.slice(2)) known.take(other.sign(report(2, [])));
    const [first, second] = others as [PointIdentity, PointIdentity];
    clock.now += 1;
    known.take(second.sign(report(2, [])));
    for (const taken of [true, false])
      expect(known.take(new PointIdentity('boundary').sign(report(1, [])))).toBe(taken);
    expect([listed().length, listed().includes(first.name)]).toEqual([LIMITS.points, false]);
  });
});
