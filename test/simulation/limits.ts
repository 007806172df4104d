import { LIMITS } from '@bailiwick/core/limits';

/**
 * Limits as low as a simulation's logs are short, so that they are reached in it: batches that do not fit one append,
 * full mailboxes, logs that are read page by page, snapshots. For the process that simulates and for nothing else.
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
