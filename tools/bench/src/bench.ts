import type { Driver } from './load/driver';
import type { Report } from './report/report';
import type { System } from './system';

/** Input of every benchmark. */
export interface BenchOptions {
  readonly system: System;
  readonly driver: Driver;
  readonly report: Report;
  /** number of measured rounds */
  readonly rounds: number;
  /** number of live leases in a large state, or of recorded decisions */
  readonly size: number;
}
