import { LIMITS } from '@bailiwick/core/limits';
import { rfc3339 } from '@bailiwick/core/clock';
import { evolve } from '../events/evolve';
import { CorruptLog } from '../events/follows';
import { stateDigest } from '../state/digest';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { emptyState } from '../state/state';
import { act, only, openTestRun, TestLog } from '../testing/harness';
import { deploy, deployment, meaning, shadow } from '../testing/policies';

const HOUR = 3_600_000;

describe('a policy in shadow', () => {
  it('never decides: neither the effect of a call nor its version changes', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const before = act(log, grantId, 'parcel.track');
    const events = shadow(log, meaning('parcel.track', 'external'), HOUR);
    const after = act(log, grantId, 'parcel.track');
    expect([after.type, after.data.effect, after.data.policy]).toEqual([before.type, before.data.effect, undefined]);
    expect(only(events, 'PolicyShadowed').data).toMatchObject({ version: 0, until: rfc3339(log.now + HOUR) });
    expect(log.state.policies).toMatchObject({ version: 0, current: undefined, pending: undefined });
    deploy(log, meaning('parcel.track', 'read'));
    expect(act(log, grantId, 'parcel.track').data.policy).toBe(1);
  });

  it('is replaced by the next one, and both are in snapshots and digests', () => {
    const log = new TestLog();
    shadow(log, meaning('parcel.track', 'external'), HOUR);
    const first = stateDigest(log.state);
    expect(log.state.policies.shadow?.position).toBe(1);
    shadow(log, meaning('parcel.track', 'read'), HOUR);
    expect(log.state.policies.shadow?.position).toBe(3);
    expect(stateDigest(log.state)).not.toBe(first);
    const loaded = fromSnapshot(toSnapshot(log.state));
    expect(loaded.policies.shadow).toEqual(log.state.policies.shadow);
    expect(stateDigest(loaded)).toBe(stateDigest(log.state));
  });

  it.each<[string, number]>([
    ['now', 0],
    ['in the past', -HOUR],
    ['too late', LIMITS.policy.shadowMs + 1],
  ])('is refused if it ends %s', (_when, ms) => {
    const log = new TestLog();
    const fields = { ...deployment(meaning('parcel.track', 'read'), 0), shadowUntil: rfc3339(log.now + ms) };
    expect(log.try('deployPolicy', fields)).toMatchObject({ refusal: { code: 'BAD_REQUEST' } });
    expect(log.events).toEqual([]);
  });

  it('is not folded if its parts or its version do not agree with the log', () => {
    const log = new TestLog();
    shadow(log, meaning('parcel.track', 'read'), HOUR);
    const [part, shadowed] = log.events as [never, ReturnType<typeof only<'PolicyShadowed'>>];
    const fold = (data: object) => () => {
      const state = emptyState('default/0', 'default', 0);
      evolve(state, part);
      evolve(state, { ...shadowed, data: { ...shadowed.data, ...data } });
    };
    expect(fold({})).not.toThrow();
    for (const wrong of [{ version: 1 }, { parts: 2 }, { digest: `sha256:${'0'.repeat(64)}` }])
      expect(fold(wrong)).toThrow(CorruptLog);
  });
});
