import type { Random } from '../support/random';

/** Probability of each fault, 0..1, per message or call unless a comment states per second. */
export interface FaultRates {
  /** a message is lost · arrives twice · arrives late */
  readonly lost: number;
  readonly repeated: number;
  readonly late: number;
  /** a process dies before a call leaves it, or after the effect but before the result arrives */
  readonly crash: number;
  /** per second: some process is stopped for a while, often for longer than its lease */
  readonly stop: number;
  /** an append ends with an unknown result */
  readonly unknown: number;
  /** a call of the database fails */
  readonly broken: number;
  /** a call of the database takes seconds */
  readonly slow: number;
  /** per second: the database is unavailable for a while */
  readonly unavailable: number;
  /** per second: the clock of some process steps, mostly back */
  readonly step: number;
  /** per second: an instance leaves in order, or another one joins */
  readonly move: number;
}

const WORST: FaultRates = {
  lost: 0.15,
  repeated: 0.2,
  late: 0.2,
  crash: 0.025,
  stop: 0.3,
  unknown: 0.15,
  broken: 0.06,
  slow: 0.05,
  unavailable: 0.1,
  step: 0.4,
  move: 0.2,
};

/** Picks each probability at random, often 0, so that bugs that another fault would hide also show. */
export function randomFaultRates(random: Random): FaultRates {
  const some = (worst: number): number => (random.chance(0.4) ? 0 : worst * random.next());
  return Object.fromEntries(
    Object.entries(WORST).map(([kind, worst]) => [kind, some(worst as number)]),
  ) as object as FaultRates;
}
