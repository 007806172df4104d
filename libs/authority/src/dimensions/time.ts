import { timeLimit, type TimeLimit } from '@bailiwick/contracts/grants/grant';
import { remembered } from '@bailiwick/core/memo';
import type { Dimension } from './dimension';
import { deny, PERMIT, Wider } from './verdict';

/** Parses a time; NaN if it is invalid. Every comparison below is written so that NaN denies and is wider (I11). */
const at = remembered((text) => Date.parse(text), 10_000);

/** A lease always has a start and an end: it admits from `notBefore` until just before `expiresAt`. */
export const time: Dimension<TimeLimit> = {
  name: 'time',
  schema: timeLimit,
  unlimited: { notBefore: '1970-01-01T00:00:00.000Z', expiresAt: '9999-12-31T23:59:59.999Z' },
  meet: (a, b) => ({
    notBefore: at(a.notBefore) < at(b.notBefore) || Number.isNaN(at(b.notBefore)) ? b.notBefore : a.notBefore,
    expiresAt: at(a.expiresAt) > at(b.expiresAt) || Number.isNaN(at(b.expiresAt)) ? b.expiresAt : a.expiresAt,
  }),
  attenuates(child, parent) {
    const wider = new Wider('time');
    wider.unless(
      at(child.notBefore) >= at(parent.notBefore),
      'time.notBefore',
      child.notBefore,
      parent.notBefore,
      `would start before its parent, at ${child.notBefore} and not at ${parent.notBefore}`,
    );
    wider.unless(
      at(child.expiresAt) <= at(parent.expiresAt),
      'time.expiresAt',
      child.expiresAt,
      parent.expiresAt,
      `would outlive its parent, until ${child.expiresAt} and not ${parent.expiresAt}`,
    );
    return wider.result();
  },
  admits(limit, _action, _situation, now) {
    if (!(now >= at(limit.notBefore))) {
      return deny('NOT_YET_VALID', `valid from ${limit.notBefore} on`, {
        path: 'time.notBefore',
        limit: limit.notBefore,
      });
    }
    if (!(now < at(limit.expiresAt))) {
      return deny('EXPIRED', `expired at ${limit.expiresAt}`, { path: 'time.expiresAt', limit: limit.expiresAt });
    }
    return PERMIT;
  },
  describe: (limit) => `from ${limit.notBefore} until ${limit.expiresAt}`,
};
