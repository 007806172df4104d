import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { Unwritten } from '@bailiwick/authority/commands/types';
import { LIMITS } from '@bailiwick/core/limits';

/** The content of one summary event. */
export type Counts = Pick<CommandOf<'summarizeRefusals'>, 'runId' | 'refused' | 'others'> & { readonly since: number };

interface OfOne {
  readonly since: number;
  readonly kinds: Map<string, Unwritten>;
  others: number;
}

/**
 * Counts refusals that have no event, by run, command, verb and code. Memory is bounded: runs beyond `LIMITS.refusalRuns`
 * are counted together, and so are kinds beyond `LIMITS.refusalKinds` of one run.
 */
export class RefusalCounts {
  /** by run ID; the empty ID holds refusals without a run and those of all further runs */
  private readonly ofRuns = new Map<string, OfOne>();
  private since: number | undefined;

  /** The time at which the counts are to be written. */
  get dueAt(): number {
    return this.since === undefined ? Infinity : this.since + LIMITS.refusalSummaryMs;
  }

  count(refusals: readonly Unwritten[], now: number): void {
    for (const each of refusals) this.add(each, now);
  }

  /** Returns all counts and resets them. */
  take(now: number): Counts[] {
    const taken = [...this.ofRuns].map(([runId, { since, kinds, others }]): Counts => ({
      since: Math.min(since, now),
      ...(runId === '' ? {} : { runId }),
      refused: [...kinds.values()].map(({ command, verb, code, count }) => ({
        command,
        ...(verb === undefined ? {} : { verb }),
        code,
        count,
      })),
      ...(others === 0 ? {} : { others }),
    }));
    this.ofRuns.clear();
    this.since = undefined;
    return taken;
  }

  /** Restores counts that may not have been written: they may be counted twice, but are never lost. */
  putBack(taken: readonly Counts[]): void {
    for (const { since, runId, refused, others = 0 } of taken) {
      this.count(
        refused.map((each) => ({ ...each, runId })),
        since,
      );
      const place = this.placeOf(since, runId);
      place.others = sum(place.others, others);
    }
  }

  private add(refusal: Unwritten, now: number): void {
    const { command, verb, code, count } = refusal;
    const place = this.placeOf(now, refusal.runId);
    const kind = JSON.stringify([command, verb, code]);
    const known = place.kinds.get(kind);
    if (known) place.kinds.set(kind, { ...known, count: sum(known.count, count) });
    else if (place.kinds.size < LIMITS.refusalKinds) place.kinds.set(kind, refusal);
    else place.others = sum(place.others, count);
  }

  private placeOf(now: number, runId = ''): OfOne {
    this.since ??= now;
    const key = this.ofRuns.has(runId) || this.ofRuns.size < LIMITS.refusalRuns ? runId : '';
    const known = this.ofRuns.get(key);
    if (known) return known;
    const place: OfOne = { since: now, kinds: new Map(), others: 0 };
    this.ofRuns.set(key, place);
    return place;
  }
}

const sum = (a: number, b: number): number => Math.min(a + b, LIMITS.amountMax);
