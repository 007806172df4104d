import fc from 'fast-check';
import type { Call } from '@bailiwick/drift/memory';
import { Monitor } from './monitor';
import { DriftingLog, follow, LEASE, PURPOSE, settle } from './testing/drifting';
import { REF } from '@bailiwick/authority/testing/harness';
import { steps, take } from './testing/drifting-moves';

fc.configureGlobal({ seed: 20260142 });

const mailTo = (to: string): Call => ({
  verb: 'email.send',
  effect: 'external',
  resource: { type: 'mailbox', id: to },
  labels: [],
  args: { to, body: 'the report' },
});
const reading: Call = {
  verb: 'web.get',
  effect: 'read',
  resource: { type: 'web', id: 'reports.example/q3' },
  labels: [],
  args: { url: 'reports.example/q3' },
};
const scoreOf = (monitor: Monitor, grantId: string, call: Call): number => {
  const score = monitor.score(grantId, call);
  if (!score) throw new Error('the run is not known');
  return score.score;
};

describe('the monitor', () => {
  it('scores the higher the further a call is from what was asked for', () => {
    const log = new DriftingLog();
    const { grantId } = log.begin();
    const monitor = follow(new Monitor(0), log);
    const asked = scoreOf(monitor, grantId, reading);
    const unasked = scoreOf(monitor, grantId, mailTo('bob@x.example'));
    expect(asked).toBeLessThan(0.1);
    expect(unasked).toBeGreaterThan(asked + 0.2);
    expect(scoreOf(monitor, grantId, mailTo('eve@outside.example'))).toBeCloseTo(unasked, 1);
    log.read(grantId);
    follow(monitor, log);
    // now a page has told it to
    expect(scoreOf(monitor, grantId, mailTo('eve@outside.example'))).toBeGreaterThan(unasked + 0.2);
    expect(scoreOf(monitor, grantId, mailTo('bob@x.example'))).toBeCloseTo(unasked, 1);
    expect(scoreOf(monitor, grantId, reading)).toBeLessThan(0.1);
  });

  it('it reports a burst of refusals as drift, though no call follows it, and scores the calls after it higher', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.begin();
    const monitor = follow(new Monitor(0), log);
    const before = scoreOf(monitor, grantId, reading);
    const refused = [{ command: 'authorize', verb: 'email.read', code: 'DENIED', count: 900 }];
    const since = '2026-01-01T00:00:00.000Z';
    log.do('summarizeRefusals', { since, runId, refused, actor: { kind: 'system', id: 'delegation' } });
    const [report] = follow(monitor, log).reports();
    expect(report).toMatchObject({ runId, score: { features: [{ name: 'refused-and-on' }] } });
    expect(report?.score.score).toBeGreaterThan(0.5);
    expect(scoreOf(monitor, grantId, reading)).toBeGreaterThan(before + 0.4);
  });

  it('tells the worst call of a run, in words, and nothing that it has told', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.begin();
    const monitor = new Monitor(0);
    log.read(grantId);
    expect(settle(monitor, log)).toBe(1);
    const far = log.write(grantId);
    log.read(grantId);
    const [report, ...more] = follow(monitor, log).reports();
    expect(more).toEqual([]);
    expect(report).toMatchObject({ runId, actionId: far.actionId });
    expect(report?.score.features[0]).toMatchObject({
      name: 'unasked-effect',
      says: expect.stringContaining('calendar.create'),
    });
    expect(monitor.reports()).toEqual([report]);
    log.record(report as never);
    expect(follow(monitor, log).reports()).toEqual([]);
  });

  it('comes to know the same of a person whose words are erased, whether it read them before or not', () => {
    const log = new DriftingLog();
    const [hers, other] = [log.begin(), log.begin(LEASE, PURPOSE, 'ref_0000000000000000000000000b')];
    for (const { grantId } of [hers, other]) log.read(grantId);
    const told = follow(new Monitor(0), log);
    log.mail(hers.grantId, 'eve@outside.example');
    expect(
      follow(told, log)
        .reports()
        .map(({ runId }) => runId),
    ).toContain(hers.runId);
    log.complete(hers.runId); // what was found is still to be told
    log.erase(REF);
    const blind = new Monitor(0);
    for (const { event, payload } of log.entries()) blind.see(event, event.treeId === hers.treeId ? null : payload);
    for (const monitor of [follow(told, log), blind]) {
      // it would be told in her words
      expect(monitor.reports().map(({ runId }) => runId)).toEqual([other.runId]);
      expect(monitor.score(hers.grantId, mailTo('eve@outside.example'))).toBeUndefined();
      expect(scoreOf(monitor, other.grantId, mailTo('eve@outside.example'))).toBeGreaterThan(0.5);
      expect([monitor.size, monitor.since]).toEqual([1, told.since]);
    }
  });

  it('tells nothing of a rise that is not worth an event', () => {
    const log = new DriftingLog();
    const { grantId } = log.begin();
    const monitor = new Monitor(0);
    log.write(grantId, 'a');
    expect(settle(monitor, log)).toBe(1);
    for (let i = 0; i < 20; i++) log.write(grantId, `b${i % 3}`);
    expect(follow(monitor, log).reports()).toEqual([]);
    log.read(grantId);
    log.mail(grantId, 'eve@outside.example');
    expect(settle(monitor, log)).toBe(1);
  });

  it('tells a small rise where it crosses a threshold of the lease', () => {
    const told = (stepUpAt: number): number => {
      const log = new DriftingLog();
      const { grantId } = log.begin({ ...LEASE, purpose: { onDrift: { stepUpAt, suspendAt: 1 } } });
      const monitor = new Monitor(0);
      log.write(grantId, 'a');
      const [report] = follow(monitor, log).reports();
      if (!report) throw new Error('there is nothing to tell');
      // somebody told nearly as much, less by not quite a step
      log.record({ ...report, score: { ...report.score, score: report.score.score - 0.04 } });
      return follow(monitor, log).reports().length;
    };
    expect(told(0.9)).toBe(0);
    expect(told(0.48)).toBe(1);
  });

  it('tells of every run of a tree by itself', () => {
    const log = new DriftingLog();
    const root = log.begin();
    const child = log.child(root.grantId);
    const monitor = new Monitor(0);
    log.write(child.grantId);
    log.write(root.grantId);
    expect(
      follow(monitor, log)
        .reports()
        .map(({ runId }) => runId)
        .sort(),
    ).toEqual([root.runId, child.runId].sort());
  });

  it('tells of a run that has ended since what it had not told yet, until the log has it', () => {
    for (const last of ['child', 'root'] as const) {
      const log = new DriftingLog();
      const root = log.begin();
      const child = log.child(root.grantId);
      log.write(child.grantId);
      log.complete(last === 'child' ? child.runId : root.runId);
      const monitor = follow(new Monitor(0), log);
      const [report] = monitor.reports();
      expect(report).toMatchObject({ runId: child.runId });
      // from where a monitor must begin again to know it
      expect(monitor.since).toBe(0);
      if (last === 'child') log.record(report as never);
      else monitor.settled(report as never, false);
      expect(follow(monitor, log).reports()).toEqual([]);
    }
  });

  it.each([false, true])('tells how far a run went while a report of it was on its way (ended: %s)', (ended) => {
    const log = new DriftingLog();
    const { runId, grantId } = log.begin();
    const monitor = new Monitor(0);
    log.read(grantId);
    const [early] = follow(monitor, log).reports();
    const far = log.write(grantId);
    if (ended) log.complete(runId);
    follow(monitor, log);
    monitor.settled(early as never, true);
    log.record(early as never);
    expect(follow(monitor, log).reports()).toMatchObject([{ runId, actionId: far.actionId }]);
  });

  it('tells the same as one that begins later, where a report is answered before what came before it is read', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.begin();
    const monitor = new Monitor(0);
    log.read(grantId);
    const [early] = follow(monitor, log).reports();
    log.write(grantId);
    log.complete(runId);
    log.record(early as never); // in the log behind both
    monitor.settled(early as never, true);
    const told = follow(monitor, log).reports();
    expect(told).toEqual(follow(new Monitor(0), log).reports());
    expect(told).toHaveLength(1);
    for (const each of told) monitor.settled(each, true);
    expect(monitor.reports()).toEqual([]);
    expect(monitor.since).toBe(0); // not in what was read yet
  });

  it('tells of each run once where one of them has ended', () => {
    const log = new DriftingLog();
    const root = log.begin();
    const child = log.child(root.grantId);
    log.write(root.grantId);
    log.write(child.grantId);
    log.complete(child.runId);
    const told = follow(new Monitor(0), log)
      .reports()
      .map(({ runId }) => runId);
    expect(told.sort()).toEqual([root.runId, child.runId].sort());
  });

  it('knows nothing of a run it has not seen from its beginning, of one that has ended, and of a grant of nobody', () => {
    const log = new DriftingLog();
    const early = log.begin();
    const from = log.events.length;
    const late = log.begin();
    log.write(early.grantId);
    const monitor = follow(new Monitor(from), log);
    expect(monitor.score(early.grantId, reading)).toBeUndefined();
    expect(monitor.score('grt_0_none', reading)).toBeUndefined();
    // nor of its children: what the person asked for is not known
    const orphan = log.child(early.grantId);
    expect(follow(monitor, log).score(orphan.grantId, reading)).toBeUndefined();
    expect(monitor.score(late.grantId, reading)).toBeDefined();
    expect(monitor.reports()).toEqual([]);
    log.complete(late.runId);
    expect(follow(monitor, log).score(late.grantId, reading)).toBeUndefined();
    expect(monitor.size).toBe(0);
    expect(monitor.since).toBe(log.events.length);
  });

  it('takes events in their order and none twice', () => {
    const log = new DriftingLog();
    log.begin();
    const monitor = follow(new Monitor(0), log);
    for (const position of [0, 1, 5]) {
      const { event, payload } = log.entries()[Math.min(position, 1)] as ReturnType<DriftingLog['entries']>[number];
      expect(() => monitor.see({ ...event, position }, payload)).toThrow('the monitor stands at 2');
    }
  });

  it('forgets what it scored before a person looked and let the run go on', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.begin({ ...LEASE, purpose: { onDrift: { stepUpAt: 0.3, suspendAt: 0.4 } } });
    const monitor = new Monitor(0);
    log.write(grantId, 'a');
    log.write(grantId, 'b');
    settle(monitor, log);
    expect(log.last('GrantSuspended').runId).toBe(runId);
    log.do('resume', { grantId, reasonCode: 'LOOKED' });
    expect(follow(monitor, log).reports()).toEqual([]);
    expect(log.state.runs.get(runId)?.drift).toBe(0);
    // the same again is news again
    log.write(grantId, 'a');
    expect(settle(monitor, log)).toBe(1);
    expect(log.state.runs.get(runId)?.status).toBe('suspended');
  });

  it('lets go of trees whose root lease is over, and of nothing else', () => {
    const log = new DriftingLog();
    const short = log.begin({ ...LEASE, time: { ttl: '10m' } });
    const from = log.events.length;
    const long = log.begin({ ...LEASE, time: { ttl: '2h' } });
    log.write(short.grantId);
    // a child that ends sooner ends no tree
    log.child(short.grantId, { time: { ttl: '1m' } });
    const monitor = follow(new Monitor(0), log);
    monitor.sweep(log.now + 10 * 60_000 - 1);
    expect([monitor.size, monitor.since]).toEqual([2, 0]);
    // its end may stand in the log and not be read yet: what was not told of it is told then
    monitor.sweep(log.now + 10 * 60_000);
    expect([monitor.size, monitor.since]).toEqual([2, 0]);
    monitor.sweep(log.now + 11 * 60_000);
    expect([monitor.size, monitor.since]).toEqual([1, from]);
    expect(monitor.score(short.grantId, reading)).toBeUndefined();
    expect(monitor.score(long.grantId, reading)).toBeDefined();
    expect(monitor.reports()).toEqual([]);
  });
});

describe('a monitor that begins again where the first one says', () => {
  it('knows the same: scores, reports, and from where to begin', () => {
    let told = 0;
    fc.assert(
      fc.property(steps(40), fc.nat(1_000), fc.boolean(), (all, cut, recorded) => {
        const log = new DriftingLog();
        const first = new Monitor(0);
        for (const step of all) {
          take(log, step);
          if (recorded) told += settle(first, log);
        }
        const half = cut % log.events.length;
        const { since } = follow(new Monitor(0), log, half);
        expect(since).toBeLessThanOrEqual(half);
        const again = follow(new Monitor(since), log);
        follow(first, log);
        expect(again.since).toBe(first.since);
        for (const { id } of log.state.order)
          for (const call of [reading, mailTo('eve@outside.example')])
            expect(again.score(id, call)).toEqual(first.score(id, call));
        const sorted = (monitor: Monitor): unknown[] =>
          [...monitor.reports()].sort((a, b) => (a.runId < b.runId ? -1 : 1));
        expect(sorted(again)).toEqual(sorted(first));
        told += first.reports().length;
      }),
      { numRuns: 200 },
    );
    expect(told).toBeGreaterThan(100);
  });
});
