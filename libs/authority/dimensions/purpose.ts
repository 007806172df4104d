import { purposeLimit, type PurposeLimit } from '#contracts/grant';
import type { Dimension } from '../dimension';
import { deny, PERMIT, sorted, stepUp, Wider } from './verdict';

/** How far a run may move from its declared purpose before a person is asked, and before it is stopped. */
export const purpose: Dimension<PurposeLimit> = {
  name: 'purpose',
  schema: purposeLimit,
  unlimited: { onDrift: { stepUpAt: 1, suspendAt: 1 }, delegatedSources: [] },
  meet: (a, b) => ({
    onDrift: { stepUpAt: Math.min(a.onDrift.stepUpAt, b.onDrift.stepUpAt), suspendAt: Math.min(a.onDrift.suspendAt, b.onDrift.suspendAt) },
    delegatedSources: sorted(a.delegatedSources.filter((source) => b.delegatedSources.includes(source))),
  }),
  attenuates(child, parent) {
    const wider = new Wider('purpose');
    for (const key of ['stepUpAt', 'suspendAt'] as const) {
      wider.unless(child.onDrift[key] <= parent.onDrift[key], `purpose.onDrift.${key}`, child.onDrift[key], parent.onDrift[key], 'would tolerate more drift than its parent');
    }
    const extra = child.delegatedSources.filter((source) => !parent.delegatedSources.includes(source));
    wider.unless(extra.length === 0, 'purpose.delegatedSources', child.delegatedSources, parent.delegatedSources, `would trust sources its parent does not: ${extra.join(', ')}`);
    return wider.result();
  },
  admits(limit, action, situation) {
    const { drift } = situation;
    if (drift === 'unavailable') {
      return action.effect === 'read' ? PERMIT : stepUp('DRIFT_UNAVAILABLE', 'the intent monitor could not be asked, so a person must be', { path: 'purpose.onDrift' });
    }
    // a drift of 0 is no drift: a threshold of 0 means the first sign of it
    if (drift > 0 && drift >= limit.onDrift.suspendAt) {
      return deny('DRIFT_STEP_UP', `the run has moved ${drift.toFixed(2)} from its purpose; at ${limit.onDrift.suspendAt} it is stopped`, { path: 'purpose.onDrift.suspendAt', limit: limit.onDrift.suspendAt, actual: drift });
    }
    if (drift > 0 && drift >= limit.onDrift.stepUpAt && action.effect !== 'read') {
      return stepUp('DRIFT_STEP_UP', `the run has moved ${drift.toFixed(2)} from its purpose; from ${limit.onDrift.stepUpAt} on a person is asked`, { path: 'purpose.onDrift.stepUpAt', limit: limit.onDrift.stepUpAt, actual: drift });
    }
    return PERMIT;
  },
  describe: (limit) =>
    `a person is asked from drift ${limit.onDrift.stepUpAt} on, and it is stopped at ${limit.onDrift.suspendAt}` +
    (limit.delegatedSources.length ? `; the goal also delegates to ${limit.delegatedSources.join(', ')}` : ''),
};
