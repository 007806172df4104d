/** Maxima of the data that the monitor keeps about one tree. Lengths in UTF-16 units. */
export const DRIFT_LIMITS = {
  /** results of tools kept per tree; the oldest is dropped first */
  resultsPerTree: 64,
  resultChars: 12_000,
  /** directives kept per result */
  directivesPerResult: 32,
  /** length of a directive from its verb on */
  directiveChars: 400,
  goalChars: 8_000,
  /** text of the sources that a goal delegates to, per run */
  delegatedChars: 24_000,
  /** values examined in the arguments of one call */
  valuesPerCall: 40,
  argumentDepth: 8,
  /** live runs of one tree; further runs have no score, and the monitor reports that */
  runsPerTree: 4_096,
  /** calls and resources remembered per run; further ones count as repetitions */
  callsPerRun: 512,
  resourcesPerRun: 1_024,
  pendingPerTree: 4_096,
  featuresPerScore: 12,
  textLength: 300,
} as const;
