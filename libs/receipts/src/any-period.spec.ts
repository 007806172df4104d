import fc from 'fast-check';
import { RUN_RECEIPT, type Period, type Predicate } from '@bailiwick/contracts/receipts/receipt';
import { KINDS } from './kinds';
import { readStory, type StoryEntry } from './story';
import { summarise } from './summary';
import { longLogs, periodsOf } from './testing/long-log';
import { brokenAt, provedEvents, prover, signed, VKEY } from './testing/sealed-log';
import { makeStatement } from './envelope';
import { sumOf } from './tree';
import { verifyReceipt } from './verify';

fc.configureGlobal({ seed: 20260171 });

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
      fc.property(longLogs(60), fc.array(fc.nat(10_000), { minLength: 1, maxLength: 4 }), (log, shares) => {
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
      }),
      { numRuns: 60 },
    );
    // fail if the random logs contain too little of what a period must carry over
    expect(seen.settledLater).toBeGreaterThan(10);
    expect(seen.late).toBeGreaterThan(3);
    expect(seen.renewedBefore).toBeGreaterThan(10);
    expect(seen.carried).toBeGreaterThan(10);
  }, 120_000);
});
