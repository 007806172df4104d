/** `Witness | null`: cosigns checkpoints of other logs; null if the installation is not configured as a witness */
export const WITNESS = Symbol('WITNESS');

/** `ReadHandovers` */
export const HANDOVERS = Symbol('HANDOVERS');
/** Reads the signed notes by which each signing key named its successor, oldest first. */
export type ReadHandovers = () => readonly string[];
