import { act, openTestRun, ROOMY, TestLog } from '../../testing/harness';

const LEASE = { ...ROOMY, purpose: { onDrift: { stepUpAt: 0.6, suspendAt: 0.85 } } };

/** Decides a call with the score that came with it. */
function decided(verb: string, drift: number | 'unavailable' | undefined, recorded?: number) {
  const log = new TestLog();
  const { grantId, runId } = openTestRun(log, LEASE);
  if (recorded !== undefined)
    log.do('recordDrift', {
      runId,
      score: recorded,
      features: [],
      monitor: 'm',
      actor: { kind: 'system', id: 'intent' },
    });
  const score = typeof drift === 'number' ? { score: drift, features: [] } : drift;
  return act(log, grantId, verb, score === undefined ? {} : { drift: score });
}

describe('the score that comes with a command', () => {
  it('decides a write before it happens, and is recorded in its event', () => {
    const event = decided('file.write', 0.7);
    expect(event.type).toBe('ActionStepUp');
    expect(event.data.drift).toBe(0.7);
    expect(decided('file.write', 0.5)).toMatchObject({ type: 'ActionPermitted', data: { drift: 0.5 } });
    expect(decided('file.write', 0.9).type).toBe('ActionDenied');
  });

  it('never lowers what the log has of the run', () => {
    expect(decided('file.write', 0.1, 0.7)).toMatchObject({ type: 'ActionStepUp', data: { drift: 0.7 } });
  });

  it('requires a person where it is stated to be missing; where it is left out, the log decides', () => {
    expect(decided('file.delete', 'unavailable')).toMatchObject({
      type: 'ActionStepUp',
      data: { drift: 'unavailable' },
    });
    expect(decided('file.write', undefined).type).toBe('ActionPermitted');
    expect(decided('file.write', undefined, 0.7)).toMatchObject({ type: 'ActionStepUp', data: { drift: 0.7 } });
  });
});
