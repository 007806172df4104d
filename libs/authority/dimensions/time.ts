import { timeLimit, type TimeLimit } from '#contracts/grant';
import type { Dimension } from '../dimension';
import { deny, PERMIT, Wider } from './verdict';

/** A lease has a beginning and, always, an end. */
export const time: Dimension<TimeLimit> = {
  name: 'time',
  schema: timeLimit,
  unlimited: { notBefore: '1970-01-01T00:00:00.000Z', expiresAt: '9999-12-31T23:59:59.999Z' },
  meet: (a, b) => ({
    notBefore: Date.parse(a.notBefore) >= Date.parse(b.notBefore) ? a.notBefore : b.notBefore,
    expiresAt: Date.parse(a.expiresAt) <= Date.parse(b.expiresAt) ? a.expiresAt : b.expiresAt,
  }),
  attenuates(child, parent) {
    const wider = new Wider('time');
    // negated comparisons: an unreadable time (NaN) is wider than anything
    wider.unless(Date.parse(child.notBefore) >= Date.parse(parent.notBefore), 'time.notBefore', child.notBefore, parent.notBefore, 'would begin before its parent');
    wider.unless(Date.parse(child.expiresAt) <= Date.parse(parent.expiresAt), 'time.expiresAt', child.expiresAt, parent.expiresAt, 'would outlive its parent');
    return wider.result();
  },
  admits(limit, _action, _situation, now) {
    if (!(now >= Date.parse(limit.notBefore))) return deny('NOT_YET_VALID', `valid from ${limit.notBefore} on`, { path: 'time.notBefore', limit: limit.notBefore });
    if (!(now < Date.parse(limit.expiresAt))) return deny('EXPIRED', `expired at ${limit.expiresAt}`, { path: 'time.expiresAt', limit: limit.expiresAt });
    return PERMIT;
  },
  describe: (limit) => `from ${limit.notBefore} until ${limit.expiresAt}`,
};
