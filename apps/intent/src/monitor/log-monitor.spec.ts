import { commandSchema, recordDrift } from '@bailiwick/contracts/command';
import { ok } from '@bailiwick/core/result';
import { driftSubject } from '@bailiwick/messaging/subjects';
import type { Call } from '@bailiwick/drift/memory';
import { MONITOR } from '@bailiwick/drift/score';
import { DriftingLog, LEASE } from './testing/drifting';
import { failing, LOG, Surroundings, until } from './testing/fake-bus';
import type { LogMonitor } from './log-monitor';

const reading: Call = {
  verb: 'web.get',
  effect: 'read',
  resource: { type: 'web', id: 'reports.example/q3' },
  labels: [],
  args: {},
};

let around: Surroundings;
beforeEach(() => {
  // only its own rhythm: what it waits for is real
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
  around = new Surroundings();
});
afterEach(async () => {
  await around.stop();
  jest.useRealTimers();
});

const tell = (): void => jest.advanceTimersByTime(250);
const save = (): void => jest.advanceTimersByTime(2_000);
const caughtUp = async (monitor: LogMonitor, log: DriftingLog): Promise<void> => {
  await around.append(log);
  await until(() => monitor.position === log.events.length);
};
/** Leases that have run out by the clock are swept. */
function logOfToday(): DriftingLog {
  const log = new DriftingLog();
  log.now = Date.now();
  return log;
}
/** A run that has something to tell of. */
function drifted(): { log: DriftingLog; runId: string; grantId: string } {
  const log = logOfToday();
  const { runId, grantId } = log.begin({ ...LEASE, purpose: { onDrift: { stepUpAt: 0.4, suspendAt: 0.8 } } });
  log.write(grantId);
  return { log, runId, grantId };
}
/** An owner that decides and appends, and answers a command id it knows from the log. */
function own(log: DriftingLog): void {
  around.bus.answer = (commands) =>
    ok({
      answers: commands.map(({ commandId, type: _type, log: _log, ...fields }) => {
        if (!log.events.some((event) => event.commandId === commandId)) log.do('recordDrift', { ...fields, commandId });
        return { ok: true, value: {} };
      }),
    });
}

describe('what a monitor tells the owner of its log', () => {
  it('is nothing of a past that comes all at once, before it has read to its end', async () => {
    const log = new DriftingLog();
    log.now = Date.now() - 10 * 60_000;
    const { runId, grantId } = log.begin({ ...LEASE, time: { ttl: '2h' } });
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
    const monitor = around.start();
    own(log);
    const toldAt = log.events.findIndex(({ type }) => type === 'DriftScored');
    around.eventlog.shutAt(toldAt);
    await around.append(log);
    await until(() => monitor.position === toldAt);
    tell();
    expect(monitor.pendingReports).toBe(1);
    expect(around.bus.sent).toEqual([]);
    around.eventlog.letGo();
    await until(() => monitor.position === log.events.length);
    tell();
    expect([monitor.pendingReports, around.bus.sent]).toEqual([0, []]);
  });

  it('is sent once, as a score and nothing else, on the subject that takes nothing else', async () => {
    const { log, runId } = drifted();
    const monitor = around.start();
    own(log);
    await caughtUp(monitor, log);
    tell();
    await until(() => monitor.pendingReports === 0);
    await caughtUp(monitor, log);
    tell();
    tell();
    expect(around.bus.sent.map(({ subject }) => subject)).toEqual([driftSubject(LOG)]);
    const [command] = around.bus.commands;
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

  it('has the same command id from any monitor, however often it is sent, and another for another score', async () => {
    const { log, grantId } = drifted();
    around.bus.answer = failing;
    const monitor = around.start();
    await caughtUp(monitor, log);
    for (const sent of [1, 2, 3]) {
      tell();
      await until(() => around.bus.sent.length === sent);
      await until(() => around.warnings.length === sent);
    }
    await monitor.stop();
    const again = around.start();
    await caughtUp(again, log);
    tell();
    await until(() => around.bus.sent.length === 4);
    const ids = around.bus.commands.map(({ commandId }) => commandId);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^sys_[0-9a-z]{43}$/);
    log.read(grantId);
    log.mail(grantId, 'eve@outside.example');
    await until(() => around.warnings.length === 4);
    await caughtUp(again, log);
    tell();
    await until(() => around.bus.sent.length === 5);
    expect(around.bus.commands[4]?.commandId).not.toBe(ids[0]);
    expect(around.bus.commands[4]?.score).toBeGreaterThan(around.bus.commands[0]?.score ?? 1);
  });

  it('is tried again while the bus fails, or the owner cannot yet, and is let go after any other refusal', async () => {
    const refused = (code: string) => () => ok({ answers: [{ ok: false, refusal: { code, detail: '' } }] });
    const { log } = drifted();
    const monitor = around.start();
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
      around.bus.answer = reply;
      expect(monitor.pendingReports).toBe(1);
      tell();
      await until(() => around.bus.sent.length === i + 1);
      // the answer was taken in: what is sent next is sent anew
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(monitor.pendingReports).toBe(0);
    tell();
    expect(around.bus.sent).toHaveLength(replies.length);
    expect(new Set(around.bus.commands.map(({ commandId }) => commandId)).size).toBe(1);
  });

  it('is one message at a time', async () => {
    const { log } = drifted();
    const monitor = around.start();
    let answer: (value: unknown) => void = () => undefined;
    around.bus.answer = (() => new Promise((resolve) => (answer = resolve))) as never;
    await caughtUp(monitor, log);
    for (let i = 0; i < 5; i++) tell();
    expect(around.bus.sent).toHaveLength(1);
    answer(ok({ answers: [{ ok: true }] }));
    await until(() => monitor.pendingReports === 0);
  });

  it('is not sent while it still reads what happened before: the log may hold it already', async () => {
    const { log } = drifted();
    const half = log.events.length;
    own(log);
    const first = around.start();
    await caughtUp(first, log);
    tell();
    await until(() => first.pendingReports === 0);
    await caughtUp(first, log);
    await first.stop();
    expect(log.last('DriftScored').position).toBe(half);
    around.bus.sent.length = 0;
    // another begins from the start, and cannot read on from where the score stands
    around.eventlog.shutAt(half);
    const second = around.start();
    await until(() => second.position === half);
    log.begin();
    await around.append(log);
    expect(second.pendingReports).toBeGreaterThan(0);
    for (let i = 0; i < 5; i++) tell();
    expect(around.bus.sent).toEqual([]);
    around.eventlog.letGo();
    await until(() => second.position === log.events.length);
    tell();
    expect(around.bus.sent).toEqual([]);
    expect(second.pendingReports).toBe(0);
  });
});

describe('the score of a call that is about to be decided', () => {
  it('is told once everything before it was seen', async () => {
    const { log, grantId } = drifted();
    await around.append(log);
    around.eventlog.shutAt(1);
    const monitor = around.start();
    await until(() => monitor.position === 1);
    let told: unknown = 'waiting';
    const asked = monitor.score(grantId, reading, log.events.length, 20_000).then((score) => (told = score));
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toBe('waiting');
    around.eventlog.letGo();
    expect(await asked).toMatchObject({ score: expect.any(Number), features: expect.any(Array) });
  });

  it('is not told where that takes too long, nor of a run that is not known', async () => {
    const { log, grantId } = drifted();
    const monitor = around.start();
    await caughtUp(monitor, log);
    expect(await monitor.score(grantId, reading, log.events.length, 20_000)).toBeDefined();
    expect(await monitor.score(grantId, reading, log.events.length + 1, 1)).toBeUndefined();
    expect(await monitor.score('grt_0_none', reading, 0, 1)).toBeUndefined();
    await monitor.stop();
    expect(await monitor.score(grantId, reading, log.events.length + 1, 20_000)).toBeUndefined();
  });

  it('is not told before the monitor has begun', async () => {
    const { log, grantId } = drifted();
    await around.append(log);
    around.eventlog.shutAt(0);
    const monitor = around.start();
    expect(await monitor.score(grantId, reading, 0, 1)).toBeUndefined();
    expect(await monitor.score(grantId, reading, 2, 1)).toBeUndefined();
  });
});

describe('from where a monitor begins again', () => {
  it('is saved, and enough to know every run that is alive', async () => {
    const log = logOfToday();
    const done = log.begin();
    log.complete(done.runId);
    const from = log.events.length;
    const { grantId } = log.begin();
    log.write(grantId);
    const first = around.start();
    await caughtUp(first, log);
    save();
    await until(() => around.saves.length > 0);
    expect(around.stored).toBe(from);
    await first.stop();
    const read = jest.spyOn(around.eventlog, 'read');
    const second = around.start();
    await caughtUp(second, log);
    expect(read.mock.calls[0]?.[1]).toBe(from);
    expect(await second.score(grantId, reading, log.events.length, 20_000)).toEqual(
      await first.score(grantId, reading, 0, 1),
    );
  });

  it('is not saved while it is what it was, nor ever lowered by one that has read nothing', async () => {
    const log = logOfToday();
    log.complete(log.begin().runId);
    const first = around.start();
    await caughtUp(first, log);
    save();
    await until(() => around.saves.length > 0);
    save();
    await first.stop();
    expect(around.saves).toEqual([log.events.length]);
    const idle = around.start();
    save();
    await idle.stop();
    expect(around.saves).toEqual([log.events.length]);
  });

  it('is tried again where it could not be saved', async () => {
    const log = logOfToday();
    log.complete(log.begin().runId);
    const monitor = around.start();
    await caughtUp(monitor, log);
    around.broken = true;
    save();
    await until(() => around.warnings.includes('the position could not be saved'));
    around.broken = false;
    save();
    await until(() => around.saves.length === 1);
    expect(around.stored).toBe(log.events.length);
  });
});
