import { act, openTestRun, ROOMY, TestLog } from './testing/harness';

describe('an outcome that is reported after the permit has expired', () => {
  it.failing('it accepts the outcome of a call that began before its lease ended', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, time: { ttl: 'PT2S' } });
    const { actionId } = act(log, grantId, 'file.read');
    log.now += 2_500;
    log.tickAll();
    const told = log.try('settle', { actionId: actionId as string, outcome: { status: 'completed' } });
    expect('events' in told && told.events.map((event) => event.type)).toEqual(['ActionCompleted']);
  });
});
