import type { Random } from '../support/random';

/** How likely each thing is to go wrong, 0..1: per message, per call, or per second where it says so. */
export interface Weather {
  /** a message is lost · comes twice · comes late */
  readonly lost: number;
  readonly repeated: number;
  readonly late: number;
  /** a process dies before a call leaves it, or after its effect and before it hears of it */
  readonly crash: number;
  /** per second: some process is stopped for a while, often for longer than its lease */
  readonly stop: number;
  /** an append whose end cannot be known */
  readonly unknown: number;
  /** a call of the database fails */
  readonly broken: number;
  /** a call of the database takes seconds */
  readonly slow: number;
  /** per second: the database is away for a while */
  readonly away: number;
  /** per second: the clock of some process steps, mostly back */
  readonly step: number;
  /** per second: an instance leaves in order, or one more comes */
  readonly move: number;
}

const WORST: Weather = {
  lost: 0.15,
  repeated: 0.2,
  late: 0.2,
  crash: 0.025,
  stop: 0.3,
  unknown: 0.15,
  broken: 0.06,
  slow: 0.05,
  away: 0.1,
  step: 0.4,
  move: 0.2,
};

/** Of each kind nothing, a little or a lot: what only shows where something else does not happen is met as well. */
export function weatherOf(random: Random): Weather {
  const some = (worst: number): number => (random.chance(0.4) ? 0 : worst * random.next());
  return Object.fromEntries(
    Object.entries(WORST).map(([kind, worst]) => [kind, some(worst as number)]),
  ) as object as Weather;
}
