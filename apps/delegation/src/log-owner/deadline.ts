import type { Answer } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { notReady, onlyTightens } from './refusals';

/**
 * Returns the time until which a command may be carried out, ms since the epoch, by the store's clock.
 *
 * The gateway responds with 503 after `commandTimeoutMs`, and sets the deadline `clockBackMs` before that. If the clocks
 * of gateway and store differ by no more than that, no decision and no append starts after the client was refused. The
 * store's clock is used because only the store sees an append that waited in a socket, behind a lock or for a stopped
 * server: the owner checks the deadline when it decides, the store when it executes the statement. One case remains: a
 * commit that takes longer than `clockBackMs` from then on is written although its client got 503. That response asks
 * for a retry with the same key, which returns the decision.
 *
 * Commands that only take authority away have no deadline: carried out late they are harmless, whereas a refusal because
 * of differing clocks would not be.
 */
export function deadlineOf(raw: unknown): number | undefined {
  const deadline = (raw as { deadline?: unknown } | null)?.deadline;
  return typeof deadline === 'number' && !onlyTightens(raw) ? deadline : undefined;
}

/** Returns the deadline of a command sent at `now`. */
export const deadlineFrom = (now: number): number => now + LIMITS.commandTimeoutMs - LIMITS.clockBackMs;

/** Returns the refusal of a command whose deadline has passed or lies too far ahead. */
export function outOfTime(deadline: number | undefined, now: number): Answer | undefined {
  if (deadline === undefined) return undefined;
  if (deadline < now) return TOO_LATE;
  if (deadline > now + LIMITS.commandTimeoutMs) return CLOCKS_DIFFER;
  return undefined;
}

export const TOO_LATE = notReady(
  'the command reached the owner of the log after its deadline and was not carried out; retry with the same Idempotency-Key',
);
const CLOCKS_DIFFER = notReady(
  `the clocks of the gateway and the database differ by more than ${LIMITS.clockBackMs} ms; synchronize them and retry`,
);
