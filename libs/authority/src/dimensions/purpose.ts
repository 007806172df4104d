import { purposeLimit, type PurposeLimit } from '@bailiwick/contracts/grants/grant';
import type { Dimension } from './dimension';
import { isHighRisk } from '../matching/catalog';
import { listed, shown } from '../presentation/text';
import { deny, PERMIT, sorted, stepUp, Wider } from './verdict';

const THRESHOLDS = ['stepUpAt', 'suspendAt'] as const;

/**
 * How far a run may drift from its declared purpose before a person is asked, and before it is stopped, and the sources
 * that the goal itself delegates to (their content may steer the run without counting as drift). Reads are allowed
 * until the run is stopped; but while the drift is unavailable, high-risk reads are not (I11). The human-readable goal
 * is stored in the payload of the run, outside the log; only its limits are here.
 *
 * `unlimited` trusts no sources: a list of names has no largest value.
 */
export const purpose: Dimension<PurposeLimit> = {
  name: 'purpose',
  schema: purposeLimit,
  unlimited: { onDrift: { stepUpAt: 1, suspendAt: 1 }, delegatedSources: [] },
  meet: (a, b) => ({
    onDrift: {
      stepUpAt: Math.min(a.onDrift.stepUpAt, b.onDrift.stepUpAt),
      suspendAt: Math.min(a.onDrift.suspendAt, b.onDrift.suspendAt),
    },
    delegatedSources: sorted(a.delegatedSources.filter((source) => b.delegatedSources.includes(source))),
  }),
  attenuates(child, parent) {
    const wider = new Wider('purpose');
    for (const key of THRESHOLDS) {
      const [own, most] = [child.onDrift[key], parent.onDrift[key]];
      wider.unless(
        own <= most,
        `purpose.onDrift.${key}`,
        own,
        most,
        `would tolerate a drift of ${own}; its parent ${most}`,
      );
    }
    const extra = child.delegatedSources.filter((source) => !parent.delegatedSources.includes(source));
    wider.unless(
      extra.length === 0,
      'purpose.delegatedSources',
      shown(extra),
      shown(parent.delegatedSources),
      `would follow sources that its parent does not: ${listed(extra)}`,
    );
    return wider.result();
  },
  admits({ onDrift }, action, situation) {
    const drift = situation.drift === 'unavailable' || !Number.isFinite(situation.drift) ? undefined : situation.drift;
    if (drift === undefined) {
      if (action.effect === 'read' && !isHighRisk(action.risk)) return PERMIT;
      return stepUp('DRIFT_UNAVAILABLE', 'the intent monitor could not be asked, so a person must be', {
        path: 'purpose.onDrift',
      });
    }
    // a threshold of 0 applies at the first sign of drift, not without drift
    if (drift <= 0) return PERMIT;
    const moved = `the run has moved ${drift.toFixed(2)} from its purpose`;
    if (!(drift < onDrift.suspendAt)) {
      return deny('DRIFT_STEP_UP', `${moved}; at ${onDrift.suspendAt} it is stopped`, {
        path: 'purpose.onDrift.suspendAt',
        limit: onDrift.suspendAt,
        actual: drift,
      });
    }
    if (drift < onDrift.stepUpAt || action.effect === 'read') return PERMIT;
    return stepUp('DRIFT_STEP_UP', `${moved}; from ${onDrift.stepUpAt} on a person is asked`, {
      path: 'purpose.onDrift.stepUpAt',
      limit: onDrift.stepUpAt,
      actual: drift,
    });
  },
  describe: ({ onDrift, delegatedSources }) =>
    `a person is asked from a drift of ${onDrift.stepUpAt} on, and the run is stopped at ${onDrift.suspendAt}` +
    (delegatedSources.length > 0 ? `; its goal delegates to ${listed(delegatedSources)}` : ''),
};
