import { timeLimit, type TimeLimit } from '@bailiwick/contracts/grants/grant';
import { parseDuration } from '@bailiwick/core/duration';
import { remembered } from '@bailiwick/core/memo';
import type { Dimension } from './dimension';
import { describeEnds, distinctEnds, shedEnds } from './ends-on';
import { deny, PERMIT, Wider } from './verdict';

/** Parses a time; NaN if it is invalid. Every comparison below is written so that NaN denies and is wider (I11). */
const at = remembered((text) => Date.parse(text), 10_000);

/**
 * A lease always has a start and an end: it admits from `notBefore` until just before `expiresAt`. A renewal moves its
 * end, never beyond `renewUntil` or the present end of a lease above it. I1 holds at every time: a child whose end is
 * later than that of its parent admits nothing after it, since a decision reads the present limits of the whole chain.
 */
export const time: Dimension<TimeLimit> = {
  name: 'time',
  schema: timeLimit,
  unlimited: { notBefore: '1970-01-01T00:00:00.000Z', expiresAt: '9999-12-31T23:59:59.999Z' },
  meet: (a, b) => ({
    notBefore: at(a.notBefore) < at(b.notBefore) || Number.isNaN(at(b.notBefore)) ? b.notBefore : a.notBefore,
    expiresAt: at(a.expiresAt) > at(b.expiresAt) || Number.isNaN(at(b.expiresAt)) ? b.expiresAt : a.expiresAt,
    ...meetRenewal(a, b),
    ...endsOf(distinctEnds([...(a.endsOn ?? []), ...(b.endsOn ?? [])])),
  }),
  attenuates(child, parent, effort) {
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
    if (child.renewUntil !== undefined) {
      const most = parent.renewUntil ?? parent.expiresAt;
      wider.unless(
        at(child.renewUntil) <= at(most),
        'time.renewUntil',
        child.renewUntil,
        most,
        `could be renewed until ${child.renewUntil}; its parent ends for good at ${most}`,
      );
    }
    if (parent.endsOn !== undefined) {
      const shed = shedEnds(child.endsOn ?? [], parent.endsOn, effort);
      wider.unless(
        shed.length === 0,
        'time.endsOn',
        child.endsOn ?? null,
        shed,
        `would not end when ${describeEnds(shed)}, and its parent does`,
      );
    }
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
  describe({ notBefore, expiresAt, renewUntil, ttl, endsOn }) {
    const renewed =
      renewUntil === undefined ? '' : `, renewable until ${renewUntil}${ttl === undefined ? '' : `, ${ttl} at a time`}`;
    const ends = endsOn === undefined ? '' : `; ends when ${describeEnds(endsOn)}`;
    return `from ${notBefore} until ${expiresAt}${renewed}${ends}`;
  },
};

/** Returns the renewal that both allow: none unless both have one. */
function meetRenewal(a: TimeLimit, b: TimeLimit): Pick<TimeLimit, 'renewUntil' | 'ttl'> {
  if (a.renewUntil === undefined || b.renewUntil === undefined) return {};
  const shorter = lengthOf(a) <= lengthOf(b) ? a : b;
  return {
    renewUntil: at(a.renewUntil) <= at(b.renewUntil) ? a.renewUntil : b.renewUntil,
    ...(shorter.ttl === undefined ? {} : { ttl: shorter.ttl }),
  };
}

/** Returns how long a lease lasts from a renewal, ms; 0 if it states no length. */
export const lengthOf = ({ ttl }: TimeLimit): number => (ttl === undefined ? 0 : (parseDuration(ttl) ?? 0));

const endsOf = (endsOn: TimeLimit['endsOn']): Pick<TimeLimit, 'endsOn'> => (endsOn === undefined ? {} : { endsOn });
