import fc from 'fast-check';
import { NO_ARGS, ROOMY } from '@bailiwick/authority/testing/harness';
import type { Period } from '@bailiwick/contracts/receipts/receipt';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { moves, play, type Move } from './random-log';
import { ANN, SealedLog } from './sealed-log';

/** What the moves of a random log leave out: renewals, narrowings and late reports; and a call that lasts a while. */
interface LongMove {
  readonly kind: 'work' | 'renew' | 'narrow' | 'late';
  readonly which: number;
  readonly how: number;
}
const longMoves = fc.record<LongMove>({
  kind: fc.constantFrom('work', 'work', 'work', 'work', 'renew', 'renew', 'narrow', 'late'),
  which: fc.nat(1_000),
  how: fc.nat(1_000),
});

function playLong(log: SealedLog, { kind, which, how }: LongMove): void {
  const grants = [...log.state.grants.values()].filter(({ status }) => status === 'active').map(({ id }) => id);
  if (kind === 'work') {
    log.try('authorize', {
      grantId: grants[which % Math.min(2, grants.length)] ?? 'grt_0_none',
      action: { verb: 'file.read', argsDigest: NO_ARGS },
      resource: { type: 'file', id: `f/${how % 4}` },
      cost: { USD: how % 9 },
      proof: { vouched: true },
    });
    log.now += MINUTE;
    log.try('settle', {
      actionId: [...log.state.actions.keys()].at(-2) ?? 'act_0_none',
      outcome: { status: 'completed', cost: { USD: how % 7 } },
    });
  } else if (kind === 'renew') for (const grantId of grants) log.try('renew', { grantId });
  else if (kind === 'narrow')
    log.try('narrow', {
      grantId: grants[which % grants.length] ?? 'grt_0_none',
      grant: { budget: { calls: 20 + (how % 60) } },
      actor: ANN,
    });
  else {
    log.now += ABANDONED_MS;
    log.tickAll();
    const abandoned = [...log.state.abandoned.keys()];
    log.try('settle', {
      actionId: abandoned[which % abandoned.length] ?? 'act_0_none',
      outcome: { status: 'completed', effects: { filesChanged: [`late/${how % 3}`] } },
    });
  }
}

const MINUTE = 60_000;
const ABANDONED_MS = LIMITS.permitMs + LIMITS.outcomeMs;
const TIME = { ttl: '1h', renewUntil: '7d' };

/** A log of several hours with leases of an hour that are renewed. */
function longLog(all: readonly (readonly [Move, LongMove | undefined])[]): SealedLog {
  const log = new SealedLog();
  const { grantId } = log.open({ ...ROOMY, time: TIME }, { agent: { class: 'monitor' } });
  log.child(grantId, { time: TIME, delegation: { depth: 1, children: 9, classes: ['*'] } });
  for (const [move, long] of all) {
    play(log, move);
    if (long) playLong(log, long);
  }
  return log;
}

/** Cuts the time from before the first event until after the last one into consecutive periods. */
export function periodsOf(log: SealedLog, shares: readonly number[]): Period[] {
  const [first, last] = [0, log.events.length - 1].map((i) => Date.parse(log.events[i]?.time ?? '')) as [
    number,
    number,
  ];
  // on the time of an event, so that some are exactly at the start of a period
  const inside = shares.map((share) => Date.parse(log.events[share % log.events.length]?.time ?? ''));
  const cuts = [...new Set([first - 1_000, ...inside, last + 1])].sort((a, b) => a - b);
  return cuts.slice(1).map((until, i) => ({ from: rfc3339(cuts[i] as number), until: rfc3339(until) }));
}

/** Generates logs of several hours. */
export const longLogs = (most: number): fc.Arbitrary<SealedLog> =>
  fc
    .tuple(moves(most), fc.array(fc.option(longMoves, { freq: 3 }), { minLength: most + 2, maxLength: most + 2 }))
    .map(([all, long]) => longLog(all.map((move, i) => [move, long[i] ?? undefined])));
