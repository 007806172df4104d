/** Every memory of the monitor about one tree has its maximum here. Lengths in UTF-16 units. */
export const DRIFT_LIMITS = {
  /** results of tools kept per tree, the oldest dropped first */
  resultsPerTree: 64,
  resultChars: 12_000,
  /** sentences kept per result that tell somebody to do something */
  directivesPerResult: 32,
  /** how far behind its verb a directive is read */
  directiveChars: 400,
  goalChars: 8_000,
  /** text of the sources a goal delegates to, per run */
  delegatedChars: 24_000,
  /** values looked at in the arguments of one call */
  valuesPerCall: 40,
  argumentDepth: 8,
  /** live runs of one tree; the monitor knows no more, and says so */
  runsPerTree: 4_096,
  /** calls and resources remembered per run: beyond it they count as more of the same */
  callsPerRun: 512,
  resourcesPerRun: 1_024,
  pendingPerTree: 4_096,
  featuresPerScore: 12,
  saysLength: 300,
} as const;
