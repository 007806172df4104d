import fc from 'fast-check';
import { NO_ARGS, ROOMY } from '@bailiwick/authority/testing/harness';
import { RUN_RECEIPT, type Period, type Predicate } from '@bailiwick/contracts/receipts/receipt';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { KINDS } from './kinds';
import { readStory, type StoryEntry } from './story';
import { summarise } from './summary';
import { moves, play, type Move } from './testing/random-log';
import { ANN, brokenAt, provedEvents, prover, SealedLog, signed, VKEY } from './testing/sealed-log';
import { makeStatement } from './envelope';
import { sumOf } from './tree';
import { verifyReceipt } from './verify';

fc.configureGlobal({ seed: 20260171 });

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
function periodsOf(log: SealedLog, shares: readonly number[]): Period[] {
  const [first, last] = [0, log.events.length - 1].map((i) => Date.parse(log.events[i]?.time ?? '')) as [
    number,
    number,
  ];
  // on the time of an event, so that some are exactly at the start of a period
  const inside = shares.map((share) => Date.parse(log.events[share % log.events.length]?.time ?? ''));
  const cuts = [...new Set([first - 1_000, ...inside, last + 1])].sort((a, b) => a - b);
  return cuts.slice(1).map((until, i) => ({ from: rfc3339(cuts[i] as number), until: rfc3339(until) }));
}

const chosenFor = (runId: string, entries: readonly StoryEntry[], period?: Period): StoryEntry[] =>
  KINDS[RUN_RECEIPT].select(runId, readStory(entries, period));
const claimsFor = (runId: string, entries: readonly StoryEntry[], period?: Period): Predicate =>
  summarise(runId, readStory(chosenFor(runId, entries, period), period));

const isIn = ({ time }: { time: string }, { from, until }: Period): boolean => time >= from && time < until;
const positions = (all: readonly { position: number }[]): number[] => all.map(({ position }) => position);
const withoutZeros = (amounts: Record<string, number> = {}): [string, number][] =>
  Object.entries(amounts)
    .filter(([, value]) => value !== 0)
    .sort();

describe('receipts of consecutive periods of a run', () => {
  it('count everything once: together they state what the receipt of the run states', () => {
    const seen = { settledLater: 0, late: 0, renewedBefore: 0, carried: 0 };
    fc.assert(
      fc.property(
        fc.tuple(moves(60), fc.array(fc.option(longMoves, { freq: 3 }), { minLength: 62, maxLength: 62 })),
        fc.array(fc.nat(10_000), { minLength: 1, maxLength: 4 }),
        ([all, long], shares) => {
          const log = longLog(all.map((move, i) => [move, long[i] ?? undefined]));
          const entries = log.entries();
          const periods = periodsOf(log, shares);
          const prove = prover(log.stored().map(({ body }) => body));
          for (const runId of [...log.state.runs.keys()].slice(0, 4)) {
            const opened = log.events.find((event) => event.type === 'RunOpened' && event.runId === runId);
            const whole = claimsFor(runId, entries);
            const parts = periods
              .filter(({ until }) => until > (opened?.time ?? ''))
              .map((period) => ({ period, claims: claimsFor(runId, entries, period) }));
            for (const { period, claims } of parts) {
              const chosen = chosenFor(runId, entries, period);
              expect(chosenFor(runId, chosen, period)).toEqual(chosen);
              // a period that is over stays as it is, whatever follows it
              const then = entries.filter(({ event }) => event.time < period.until);
              expect(claimsFor(runId, then, period)).toEqual(claims);
              const events = provedEvents(log, chosen, prove);
              expect(brokenAt(verifyReceipt(signed(makeStatement(claims, events)), VKEY))).toBe('');
              expect(positions(claims.actions.filter((each) => isIn(each, period)))).toEqual(
                positions(whole.actions.filter((each) => isIn(each, period))),
              );
              seen.renewedBefore += claims.renewals?.some(({ times }) => times === 0) ? 1 : 0;
              seen.carried += claims.inFlight?.atStart.actions.length ?? 0;
              seen.late += claims.actions.filter(
                ({ late, position }) => late && !isIn({ time: log.events[position]?.time ?? '' }, period),
              ).length;
              seen.settledLater += claims.actions.filter(
                (each) => !isIn(each, period) && each.outcome !== 'open' && !each.late,
              ).length;
            }
            parts.slice(1).forEach(({ claims }, i) => {
              expect(claims.inFlight?.atStart).toEqual(parts[i]?.claims.inFlight?.atEnd);
            });
            const listed = parts.map(({ claims }) => claims);
            for (const list of ['denied', 'delegationsRefused', 'revoked', 'refusedMore'] as const)
              expect(positions(listed.flatMap((claims): { position: number }[] => claims[list] ?? []))).toEqual(
                positions(whole[list] ?? []),
              );
            const spent = sumOf([
              ...listed.map((claims) => claims.spent),
              { ...sumOf([]), ...(listed.at(-1)?.inFlight?.atEnd.reserved ?? {}) },
            ]);
            const { cost, units, ...counters } = whole.spent;
            expect(spent).toMatchObject(counters);
            expect(withoutZeros(spent.cost)).toEqual(withoutZeros(cost));
            expect(withoutZeros(spent.units)).toEqual(withoutZeros(units));
            const changed = new Set(listed.flatMap(({ filesChanged }) => filesChanged));
            expect([...changed].sort()).toEqual(whole.filesChanged);
            expect(listed.reduce((sum, { drift }) => sum + drift.scores, 0)).toBe(whole.drift.scores);
            expect(listed.at(-1)?.ended).toEqual(whole.ended);
          }
        },
      ),
      { numRuns: 60 },
    );
    // fail if the random logs contain too little of what a period must carry over
    expect(seen.settledLater).toBeGreaterThan(10);
    expect(seen.late).toBeGreaterThan(3);
    expect(seen.renewedBefore).toBeGreaterThan(10);
    expect(seen.carried).toBeGreaterThan(10);
  }, 120_000);
});
