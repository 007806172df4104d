import { LIMITS } from '@bailiwick/core/limits';

/**
 * Lowers the limits so that the short logs of a simulation reach them: batches that do not fit one append, full
 * mailboxes, logs read in several pages, snapshots. Call it only in a process that runs simulations.
 */
export function lowLimits(): void {
  Object.assign(LIMITS, {
    appendBatchEvents: 24,
    commandsPerMessage: 3,
    mailboxCommands: 14,
    readBatchEvents: 16,
    snapshotEveryEvents: 25,
    previewMs: 8_000,
  });
}
