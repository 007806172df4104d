import fc from 'fast-check';
import type { Event } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { one } from './asked-for';
import * as ledger from './ledger';
import { budgeted, moves, reserving } from './moves';
import { Play } from './play';

/** Half of the stories only use budget, so that they reach caps, report overruns late and outlast windows. */
export const story = fc.oneof(moves(50), moves(50, ['act', 'act', 'act', 'settle', 'wait']));
const roomy = { calls: 50, reads: 50, writes: 50, external: 50, cost: { USD: 60 }, units: { tokens: 90 } };
/** … or under a first lease with these caps. */
const under = (...budgets: NonNullable<GrantRequest['budget']>[]) =>
  fc.oneof(
    story,
    budgeted(moves(50, ['act', 'act', 'act', 'act', 'try again', 'settle', 'delegate', 'wait']), one(...budgets)),
  );
export const withVerbCaps = under(
  { ...roomy, perVerb: [{ actions: ['file.read'], calls: 3 }] },
  { ...roomy, perVerb: [{ actions: ['file.*', 'email.send'], calls: 4, cost: { USD: 9 } }] },
  { ...roomy, perVerb: [{ actions: ['**'], cost: { USD: 12 }, units: { tokens: 12 } }] },
);
export const asking = under({ ...roomy, calls: 8, askAt: 0.5 }, { ...roomy, cost: { USD: 12 }, askAt: 0.8 });
export const small = under(
  { ...roomy, external: 3 },
  { ...roomy, cost: { USD: 12 } },
  { ...roomy, units: { tokens: 4 } },
  { ...roomy, calls: 9, reads: 5, writes: 4 },
);
export const tight = fc.oneof(
  reserving,
  budgeted(reserving, one({ ...roomy, calls: 9 }, { ...roomy, cost: { USD: 12 } })),
);

/** Runs a check after each event, with the log up to and including it. */
export function always(
  check: (soFar: readonly Event[], event: Event, all: ledger.Entry[]) => void,
  stories = story,
): void {
  const property = fc.property(stories, (all) => {
    const { log } = new Play().play(all);
    log.events.forEach((event, i) => {
      if (event.type !== 'ActionPermitted' && !ledger.isOutcome(event) && event.type !== 'ActionDenied') return;
      const soFar = log.events.slice(0, i + 1);
      check(soFar, event, ledger.entries(soFar));
    });
  });
  fc.assert(property, { numRuns: 160 });
}
