import { commandSchema, recordDrift } from '@bailiwick/contracts/commands/command';
import { ok } from '@bailiwick/core/result';
import { driftSubject } from '@bailiwick/messaging/subjects';
import type { Call } from '@bailiwick/drift/memory';
import { MONITOR } from '@bailiwick/drift/score';
import { DriftingLog, LEASE } from './testing/drifting';
import { failing, LOG, MonitorWorld, until } from './testing/fake-bus';
import type { LogMonitor } from './log-monitor';

const reading: Call = {
  verb: 'web.get',
  effect: 'read',
  resource: { type: 'web', id: 'reports.example/q3' },
  labels: [],
  args: {},
};

let world: MonitorWorld;
beforeEach(() => {
  // only the monitor's intervals are fake; everything it waits for is real
  jest.useFakeTimers({
    doNotFake: [
      'setTimeout',
      'clearTimeout',
      'setImmediate',
      'clearImmediate',
      'nextTick',
      'queueMicrotask',
      'Date',
      'hrtime',
      'performance',
    ],
  });
  world = new MonitorWorld();
});
afterEach(async () => {
  await world.stop();
  jest.useRealTimers();
});

const report = (): void => jest.advanceTimersByTime(250);
const save = (): void => jest.advanceTimersByTime(2_000);
const caughtUp = async (monitor: LogMonitor, log: DriftingLog): Promise<void> => {
  await world.append(log);
  await until(() => monitor.position === log.events.length);
};
/** Returns a log whose leases have not run out yet, so that the monitor does not sweep them. */
function logOfToday(): DriftingLog {
  const log = new DriftingLog();
  log.now = Date.now();
  return log;
}
/** Returns a log with a run whose drift is reportable. */
function drifted(): { log: DriftingLog; runId: string; grantId: string } {
  const log = logOfToday();
  const { runId, grantId } = log.start({ ...LEASE, purpose: { onDrift: { stepUpAt: 0.4, suspendAt: 0.8 } } });
  log.write(grantId);
  return { log, runId, grantId };
}
/** Makes the bus respond like an owner, which responds to a known command ID from the log. */
function respondAsOwner(log: DriftingLog): void {
  world.bus.answer = (commands) =>
    ok({
      answers: commands.map(({ commandId, type: _type, log: _log, ...fields }) => {
        if (!log.events.some((event) => event.commandId === commandId)) log.do('recordDrift', { ...fields, commandId });
        return { ok: true, value: {} };
      }),
    });
}

describe('the drift reports of LogMonitor', () => {
  it('are not sent while it reads a past that arrives in bulk', async () => {
    const log = new DriftingLog();
    log.now = Date.now() - 10 * 60_000;
    const { runId, grantId } = log.start({ ...LEASE, time: { ttl: '2h' } });
    const { actionId } = log.mail(grantId, 'eve@outside.example');
    const score = 0.9;
    log.do('recordDrift', {
      runId,
      actionId,
      score,
      features: [],
      monitor: MONITOR,
      actor: { kind: 'system', id: 'intent' },
    });
    const monitor = world.start();
    respondAsOwner(log);
    const recordedAt = log.events.findIndex(({ type }) => type === 'DriftScored');
    world.eventlog.closeGateAt(recordedAt);
    await world.append(log);
    await until(() => monitor.position === recordedAt);
    report();
    expect(monitor.pendingReports).toBe(1);
    expect(world.bus.sent).toEqual([]);
    world.eventlog.openGate();
    await until(() => monitor.position === log.events.length);
    report();
    expect([monitor.pendingReports, world.bus.sent]).toEqual([0, []]);
  });

  it('are sent once, each as a recordDrift command on the drift subject', async () => {
    const { log, runId } = drifted();
    const monitor = world.start();
    respondAsOwner(log);
    await caughtUp(monitor, log);
    report();
    await until(() => monitor.pendingReports === 0);
    await caughtUp(monitor, log);
    report();
    report();
    expect(world.bus.sent.map(({ subject }) => subject)).toEqual([driftSubject(LOG)]);
    const [command] = world.bus.commands;
    expect(recordDrift.parse(command)).toEqual(command);
    expect(commandSchema.safeParse(command).success).toBe(true);
    expect(command).toMatchObject({
      type: 'recordDrift',
      log: LOG,
      runId,
      actor: { kind: 'system', id: 'intent' },
      monitor: MONITOR,
    });
    expect(command?.score).toBeGreaterThan(0.4);
    expect(command?.features.length).toBeGreaterThan(0);
    expect(log.last('DriftScored').data.score).toBe(command?.score);
  });

  it('have the same command ID from any monitor and in every attempt, and another ID for another score', async () => {
    const { log, grantId } = drifted();
    world.bus.answer = failing;
    const monitor = world.start();
    await caughtUp(monitor, log);
    for (const sent of [1, 2, 3]) {
      report();
      await until(() => world.bus.sent.length === sent);
      await until(() => world.warnings.length === sent);
    }
    await monitor.stop();
    const restarted = world.start();
    await caughtUp(restarted, log);
    report();
    await until(() => world.bus.sent.length === 4);
    const ids = world.bus.commands.map(({ commandId }) => commandId);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^sys_[0-9a-z]{43}$/);
    log.read(grantId);
    log.mail(grantId, 'eve@outside.example');
    await until(() => world.warnings.length === 4);
    await caughtUp(restarted, log);
    report();
    await until(() => world.bus.sent.length === 5);
    expect(world.bus.commands[4]?.commandId).not.toBe(ids[0]);
    expect(world.bus.commands[4]?.score).toBeGreaterThan(world.bus.commands[0]?.score ?? 1);
  });

  it('are retried while the bus fails or the owner is not ready, and dropped after any other refusal', async () => {
    const refused = (code: string) => () => ok({ answers: [{ ok: false, refusal: { code, detail: '' } }] });
    const { log } = drifted();
    const monitor = world.start();
    const replies = [
      failing,
      refused('NOT_READY'),
      refused('TOO_MANY'),
      refused('INTERNAL'),
      () => ok({ answers: [] }),
      () => ok({}),
      () => ok(undefined),
      () => ok({ answers: [{ ok: 'yes' }] }),
      refused('NOT_FOUND'),
    ];
    await caughtUp(monitor, log);
    for (const [i, reply] of replies.entries()) {
      world.bus.answer = reply;
      expect(monitor.pendingReports).toBe(1);
      report();
      await until(() => world.bus.sent.length === i + 1);
      // lets the monitor process the reply, so that the next message is a new attempt
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(monitor.pendingReports).toBe(0);
    report();
    expect(world.bus.sent).toHaveLength(replies.length);
    expect(new Set(world.bus.commands.map(({ commandId }) => commandId)).size).toBe(1);
  });

  it('are sent in one message at a time', async () => {
    const { log } = drifted();
    const monitor = world.start();
    let answer: (value: unknown) => void = () => undefined;
    world.bus.answer = (() => new Promise((resolve) => (answer = resolve))) as never;
    await caughtUp(monitor, log);
    for (let i = 0; i < 5; i++) report();
    expect(world.bus.sent).toHaveLength(1);
    answer(ok({ answers: [{ ok: true }] }));
    await until(() => monitor.pendingReports === 0);
  });

  it('are not sent while it reads the past, which may already hold them', async () => {
    const { log } = drifted();
    const half = log.events.length;
    respondAsOwner(log);
    const first = world.start();
    await caughtUp(first, log);
    report();
    await until(() => first.pendingReports === 0);
    await caughtUp(first, log);
    await first.stop();
    expect(log.last('DriftScored').position).toBe(half);
    world.bus.sent.length = 0;
    // another monitor starts at the first event and cannot read past the recorded score
    world.eventlog.closeGateAt(half);
    const second = world.start();
    await until(() => second.position === half);
    log.start();
    await world.append(log);
    expect(second.pendingReports).toBeGreaterThan(0);
    for (let i = 0; i < 5; i++) report();
    expect(world.bus.sent).toEqual([]);
    world.eventlog.openGate();
    await until(() => second.position === log.events.length);
    report();
    expect(world.bus.sent).toEqual([]);
    expect(second.pendingReports).toBe(0);
  });
});

describe('LogMonitor.score', () => {
  it('resolves once all earlier events have been read', async () => {
    const { log, grantId } = drifted();
    await world.append(log);
    world.eventlog.closeGateAt(1);
    const monitor = world.start();
    await until(() => monitor.position === 1);
    let result: unknown = 'waiting';
    const asked = monitor.score(grantId, reading, log.events.length, 20_000).then((score) => (result = score));
    await new Promise((resolve) => setImmediate(resolve));
    expect(result).toBe('waiting');
    world.eventlog.openGate();
    expect(await asked).toMatchObject({ score: expect.any(Number), features: expect.any(Array) });
  });

  it('is undefined after a timeout and for an unknown run', async () => {
    const { log, grantId } = drifted();
    const monitor = world.start();
    await caughtUp(monitor, log);
    expect(await monitor.score(grantId, reading, log.events.length, 20_000)).toBeDefined();
    expect(await monitor.score(grantId, reading, log.events.length + 1, 1)).toBeUndefined();
    expect(await monitor.score('grt_0_none', reading, 0, 1)).toBeUndefined();
    await monitor.stop();
    expect(await monitor.score(grantId, reading, log.events.length + 1, 20_000)).toBeUndefined();
  });

  it('is undefined before the monitor has started', async () => {
    const { log, grantId } = drifted();
    await world.append(log);
    world.eventlog.closeGateAt(0);
    const monitor = world.start();
    expect(await monitor.score(grantId, reading, 0, 1)).toBeUndefined();
    expect(await monitor.score(grantId, reading, 2, 1)).toBeUndefined();
  });
});

describe('the saved position of LogMonitor', () => {
  it('suffices to restore every live run', async () => {
    const log = logOfToday();
    const done = log.start();
    log.complete(done.runId);
    const from = log.events.length;
    const { grantId } = log.start();
    log.write(grantId);
    const first = world.start();
    await caughtUp(first, log);
    save();
    await until(() => world.saves.length > 0);
    expect(world.stored).toBe(from);
    await first.stop();
    const read = jest.spyOn(world.eventlog, 'read');
    const second = world.start();
    await caughtUp(second, log);
    expect(read.mock.calls[0]?.[1]).toBe(from);
    expect(await second.score(grantId, reading, log.events.length, 20_000)).toEqual(
      await first.score(grantId, reading, 0, 1),
    );
  });

  it('is saved only when it rises, and is not lowered by a monitor that has read nothing', async () => {
    const log = logOfToday();
    log.complete(log.start().runId);
    const first = world.start();
    await caughtUp(first, log);
    save();
    await until(() => world.saves.length > 0);
    save();
    await first.stop();
    expect(world.saves).toEqual([log.events.length]);
    const idle = world.start();
    save();
    await idle.stop();
    expect(world.saves).toEqual([log.events.length]);
  });

  it('is saved again after a failure', async () => {
    const log = logOfToday();
    log.complete(log.start().runId);
    const monitor = world.start();
    await caughtUp(monitor, log);
    world.broken = true;
    save();
    await until(() => world.warnings.includes('saving the position failed'));
    world.broken = false;
    save();
    await until(() => world.saves.length === 1);
    expect(world.stored).toBe(log.events.length);
  });
});
