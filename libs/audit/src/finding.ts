/** The checks of a log with their descriptions. */
export const CHECKS = {
  position: 'positions are 0, 1, 2, … of one log, and each body states the position and log of its event (I5)',
  body: 'every body has a known form, and every column equals the member of the body that it repeats',
  payload: 'every payload matches the digest in its event, or was removed by a recorded erasure',
  tree: 'the stored tree is built over the events',
  checkpoint: 'a key of the log signed every checkpoint, and its root is that of the events (I12)',
  tenant: 'every event belongs to the tenant of the log (I9)',
  fold: 'every event follows from those before it (I10)',
  attenuation: 'no grant is wider than its parent, and no permit exceeds its chain (I1)',
  liveness: 'nothing is permitted or issued under an ended grant (I2)',
  budget: 'no cap of a grant or a tenant budget is exceeded, and a used-up grant ends (I3)',
  revocation: 'nothing is issued under a quarantine (I6)',
  custody: 'every permit has its chain, and at most one outcome (I7)',
  approval: 'an approval is given by a person, for one exact use, and used once (I8)',
  policy: 'policies are versions 1, 2, 3 … with their digests, and every decision names the one in force',
  models: 'the read models and the live state follow from the events (I10)',
} as const;
export type Check = keyof typeof CHECKS;

/** A violation. */
export interface Finding {
  readonly check: Check;
  /** the first event that may be wrong; undefined if no event is */
  readonly position: number | undefined;
  readonly detail: string;
}

/** Formats a finding as one line. */
export const says = ({ check, position, detail }: Finding): string =>
  `${position === undefined ? '' : `position ${position}: `}${detail} (${check})`;

/** Reports a violation of the current event. */
export type ReportFinding = (check: Check, detail: string) => void;
