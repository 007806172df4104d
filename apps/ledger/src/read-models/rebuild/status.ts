/** A row of the current read models that differs from the log. */
export interface Difference {
  /** `run run_0_…` */
  readonly row: string;
  /** the current read models lack the row, have an extra row, or have a different one */
  readonly how: 'missing' | 'extra' | 'differs';
}
/** The result of a rebuild. */
export interface Rebuilt {
  readonly events: number;
  readonly seconds: number;
  /** the number of rows of the replaced read models that differ from the log */
  readonly differences: number;
  /** some of the differences */
  readonly samples: readonly Difference[];
}

export type RebuildResult = Rebuilt | { readonly error: string };

/** The status of the latest rebuild of a log. */
export interface RebuildStatus {
  readonly state: 'running' | 'done' | 'failed' | 'interrupted';
  readonly position: number;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly told?: RebuildResult;
}

/** The class of the advisory locks of rebuilds, an arbitrary number. A rebuild holds its lock until its connection ends. */
export const REBUILD_LOCK = 1_764_100;
