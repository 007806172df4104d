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
  if (!score) throw new Error('unknown run');
  return score.score;
};

describe('Monitor', () => {
  it('scores a call higher the further it is from the purpose', () => {
    const log = new DriftingLog();
    const { grantId } = log.start();
    const monitor = follow(new Monitor(0), log);
    const requested = scoreOf(monitor, grantId, reading);
    const unrequested = scoreOf(monitor, grantId, mailTo('bob@x.example'));
    expect(requested).toBeLessThan(0.1);
    expect(unrequested).toBeGreaterThan(requested + 0.2);
    expect(scoreOf(monitor, grantId, mailTo('eve@outside.example'))).toBeCloseTo(unrequested, 1);
    log.read(grantId);
    follow(monitor, log);
    // the page that was read now requests it
    expect(scoreOf(monitor, grantId, mailTo('eve@outside.example'))).toBeGreaterThan(unrequested + 0.2);
    expect(scoreOf(monitor, grantId, mailTo('bob@x.example'))).toBeCloseTo(unrequested, 1);
    expect(scoreOf(monitor, grantId, reading)).toBeLessThan(0.1);
  });

  it('reports a burst of refusals as drift even if no call follows, and scores later calls higher', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.start();
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

  it('reports the worst call of a run with a description, and does not report it again', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.start();
    const monitor = new Monitor(0);
    log.read(grantId);
    expect(settle(monitor, log)).toBe(1);
    const far = log.write(grantId);
    log.read(grantId);
    const [report, ...more] = follow(monitor, log).reports();
    expect(more).toEqual([]);
    expect(report).toMatchObject({ runId, actionId: far.actionId });
    expect(report?.score.features).toContainEqual(
      expect.objectContaining({ name: 'unasked-effect', says: expect.stringContaining('calendar.create') as string }),
    );
    expect(monitor.reports()).toEqual([report]);
    log.record(report as never);
    expect(follow(monitor, log).reports()).toEqual([]);
  });

  it('reaches the same state after an erasure, whether or not it read the payloads before', () => {
    const log = new DriftingLog();
    const [erased, other] = [log.start(), log.start(LEASE, PURPOSE, 'ref_0000000000000000000000000b')];
    for (const { grantId } of [erased, other]) log.read(grantId);
    const informed = follow(new Monitor(0), log);
    log.mail(erased.grantId, 'eve@outside.example');
    expect(
      follow(informed, log)
        .reports()
        .map(({ runId }) => runId),
    ).toContain(erased.runId);
    log.complete(erased.runId); // its report is still pending
    log.erase(REF);
    const blind = new Monitor(0);
    for (const { event, payload } of log.entries()) blind.see(event, event.treeId === erased.treeId ? null : payload);
    for (const monitor of [follow(informed, log), blind]) {
      // the erased run's report would quote the payloads
      expect(monitor.reports().map(({ runId }) => runId)).toEqual([other.runId]);
      expect(monitor.score(erased.grantId, mailTo('eve@outside.example'))).toBeUndefined();
      expect(scoreOf(monitor, other.grantId, mailTo('eve@outside.example'))).toBeGreaterThan(0.5);
      expect([monitor.size, monitor.since]).toEqual([1, informed.since]);
    }
  });

  it('does not report a rise that is too small for an event', () => {
    const log = new DriftingLog();
    const { grantId } = log.start();
    const monitor = new Monitor(0);
    log.write(grantId, 'a');
    expect(settle(monitor, log)).toBe(1);
    for (let i = 0; i < 6; i++) log.write(grantId, `b${i % 3}`);
    expect(follow(monitor, log).reports()).toEqual([]);
    log.read(grantId);
    log.mail(grantId, 'eve@outside.example');
    expect(settle(monitor, log)).toBe(1);
  });

  it('reports a small rise that crosses a threshold of the lease', () => {
    const reportCount = (stepUpAt: number): number => {
      const log = new DriftingLog();
      const { grantId } = log.start({ ...LEASE, purpose: { onDrift: { stepUpAt, suspendAt: 1 } } });
      const monitor = new Monitor(0);
      log.write(grantId, 'a');
      const [report] = follow(monitor, log).reports();
      if (!report) throw new Error('no report');
      // a report with a slightly lower score is recorded, within the minimum step
      log.record({ ...report, score: { ...report.score, score: report.score.score - 0.04 } });
      return follow(monitor, log).reports().length;
    };
    expect(reportCount(0.9)).toBe(0);
    expect(reportCount(0.41)).toBe(1);
  });

  it('reports each run of a tree separately', () => {
    const log = new DriftingLog();
    const root = log.start();
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

  it('keeps the report of a run that has ended until the log holds it', () => {
    for (const last of ['child', 'root'] as const) {
      const log = new DriftingLog();
      const root = log.start();
      const child = log.child(root.grantId);
      log.write(child.grantId);
      log.complete(last === 'child' ? child.runId : root.runId);
      const monitor = follow(new Monitor(0), log);
      const [report] = monitor.reports();
      expect(report).toMatchObject({ runId: child.runId });
      // a restarted monitor must fold from there to know it
      expect(monitor.since).toBe(0);
      if (last === 'child') log.record(report as never);
      else monitor.settled(report as never, false);
      expect(follow(monitor, log).reports()).toEqual([]);
    }
  });

  it.each([false, true])('reports drift that rose while an earlier report was in flight (run ended: %s)', (ended) => {
    const log = new DriftingLog();
    const { runId, grantId } = log.start();
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

  it('reports the same as a monitor that starts later if a report is acknowledged before earlier events are read', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.start();
    const monitor = new Monitor(0);
    log.read(grantId);
    const [early] = follow(monitor, log).reports();
    log.write(grantId);
    log.complete(runId);
    log.record(early as never); // after both events in the log
    monitor.settled(early as never, true);
    const reports = follow(monitor, log).reports();
    expect(reports).toEqual(follow(new Monitor(0), log).reports());
    expect(reports).toHaveLength(1);
    for (const each of reports) monitor.settled(each, true);
    expect(monitor.reports()).toEqual([]);
    expect(monitor.since).toBe(0); // the event has not been read yet
  });

  it('reports each run once if one of them has ended', () => {
    const log = new DriftingLog();
    const root = log.start();
    const child = log.child(root.grantId);
    log.write(root.grantId);
    log.write(child.grantId);
    log.complete(child.runId);
    const reported = follow(new Monitor(0), log)
      .reports()
      .map(({ runId }) => runId);
    expect(reported.sort()).toEqual([root.runId, child.runId].sort());
  });

  it('has no score for a run whose first event it has not seen, for an ended run, and for an unknown grant', () => {
    const log = new DriftingLog();
    const early = log.start();
    const from = log.events.length;
    const late = log.start();
    log.write(early.grantId);
    const monitor = follow(new Monitor(from), log);
    expect(monitor.score(early.grantId, reading)).toBeUndefined();
    expect(monitor.score('grt_0_none', reading)).toBeUndefined();
    // nor for its children, because the purpose is unknown
    const orphan = log.child(early.grantId);
    expect(follow(monitor, log).score(orphan.grantId, reading)).toBeUndefined();
    expect(monitor.score(late.grantId, reading)).toBeDefined();
    expect(monitor.reports()).toEqual([]);
    log.complete(late.runId);
    expect(follow(monitor, log).score(late.grantId, reading)).toBeUndefined();
    expect(monitor.size).toBe(0);
    expect(monitor.since).toBe(log.events.length);
  });

  it('rejects events that are repeated or out of order', () => {
    const log = new DriftingLog();
    log.start();
    const monitor = follow(new Monitor(0), log);
    for (const position of [0, 1, 5]) {
      const { event, payload } = log.entries()[Math.min(position, 1)] as ReturnType<DriftingLog['entries']>[number];
      expect(() => monitor.see({ ...event, position }, payload)).toThrow('expected the event at position 2');
    }
  });

  it('forgets earlier scores when a person resumes the run', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.start({ ...LEASE, purpose: { onDrift: { stepUpAt: 0.3, suspendAt: 0.4 } } });
    const monitor = new Monitor(0);
    log.write(grantId, 'a');
    log.write(grantId, 'b');
    settle(monitor, log);
    expect(log.last('GrantSuspended').runId).toBe(runId);
    log.do('resume', { grantId, reasonCode: 'LOOKED' });
    expect(follow(monitor, log).reports()).toEqual([]);
    expect(log.state.runs.get(runId)?.drift).toBe(0);
    // the same call is reported again
    log.write(grantId, 'a');
    expect(settle(monitor, log)).toBe(1);
    expect(log.state.runs.get(runId)?.status).toBe('suspended');
  });

  it('forgets trees whose root lease has run out, and no other tree', () => {
    const log = new DriftingLog();
    const short = log.start({ ...LEASE, time: { ttl: '10m' } });
    const from = log.events.length;
    const long = log.start({ ...LEASE, time: { ttl: '2h' } });
    log.write(short.grantId);
    // a child that ends earlier does not end the tree
    log.child(short.grantId, { time: { ttl: '1m' } });
    const monitor = follow(new Monitor(0), log);
    monitor.sweep(log.now + 10 * 60_000 - 1);
    expect([monitor.size, monitor.since]).toEqual([2, 0]);
    // its final event may not be read yet, and its drift can still be reported then
    monitor.sweep(log.now + 10 * 60_000);
    expect([monitor.size, monitor.since]).toEqual([2, 0]);
    monitor.sweep(log.now + 11 * 60_000);
    expect([monitor.size, monitor.since]).toEqual([1, from]);
    expect(monitor.score(short.grantId, reading)).toBeUndefined();
    expect(monitor.score(long.grantId, reading)).toBeDefined();
    expect(monitor.reports()).toEqual([]);
  });
});

describe('a monitor that restarts at the position that another one names', () => {
  it('has the same scores, reports and start position', () => {
    let reported = 0;
    fc.assert(
      fc.property(steps(40), fc.nat(1_000), fc.boolean(), (all, cut, recorded) => {
        const log = new DriftingLog();
        const first = new Monitor(0);
        for (const step of all) {
          take(log, step);
          if (recorded) reported += settle(first, log);
        }
        const half = cut % log.events.length;
        const { since } = follow(new Monitor(0), log, half);
        expect(since).toBeLessThanOrEqual(half);
        const restarted = follow(new Monitor(since), log);
        follow(first, log);
        expect(restarted.since).toBe(first.since);
        for (const { id } of log.state.order)
          for (const call of [reading, mailTo('eve@outside.example')])
            expect(restarted.score(id, call)).toEqual(first.score(id, call));
        const sorted = (monitor: Monitor): unknown[] =>
          [...monitor.reports()].sort((a, b) => (a.runId < b.runId ? -1 : 1));
        expect(sorted(restarted)).toEqual(sorted(first));
        reported += first.reports().length;
      }),
      { numRuns: 200 },
    );
    expect(reported).toBeGreaterThan(100);
  });
});
