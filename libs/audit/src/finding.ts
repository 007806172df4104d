/** What is checked of a log, and what each check says in words. */
export const CHECKS = {
  position: 'positions are 0, 1, 2, … of one log, each event where its body says (I5)',
  body: 'every body is of a known shape, and every column beside it repeats what it says',
  payload: 'every payload is the one that its event names, or is gone by a recorded erasure',
  tree: 'the stored tree is that of the events',
  checkpoint: 'every checkpoint is signed by a key of the log and has the root of the events (I12)',
  tenant: 'every event is of the tenant whose log it is (I9)',
  fold: 'every event follows from those before it (I10)',
  attenuation: 'no grant is wider than its parent, and no permit beyond its chain (I1)',
  liveness: 'nothing is permitted or issued under what has ended (I2)',
  budget: 'no cap is exceeded, and what is used up ends (I3)',
  revocation: 'nothing is issued under a quarantine (I6)',
  custody: 'every permit has its chain, and at most one outcome (I7)',
  approval: 'an approval is given by a person, for one exact thing, and used once (I8)',
  models: 'the read models are those that the events lead to, and the state that answers are given from (I10)',
} as const;
export type Check = keyof typeof CHECKS;

/** Something that is wrong. */
export interface Finding {
  readonly check: Check;
  /** the first event that may be wrong; undefined where none is */
  readonly position: number | undefined;
  readonly detail: string;
}

export const says = ({ check, position, detail }: Finding): string =>
  `${position === undefined ? '' : `position ${position}: `}${detail} (${check})`;
