import type { Driver } from './driver';
import type { Report } from './report';
import type { System } from './system';

/** What every bench is given. */
export interface BenchOptions {
  readonly system: System;
  readonly driver: Driver;
  readonly report: Report;
  /** that are counted */
  readonly rounds: number;
  /** live leases of a large state */
  readonly size: number;
}
