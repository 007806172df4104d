import type { Answer } from '@bailiwick/contracts/command';
import { LIMITS } from '@bailiwick/core/limits';
import { notReady, onlyTightens } from './refusals';

/**
 * Until when a command may be carried out, ms since the epoch, by the clock of the store.
 *
 * The gateway answers 503 when it has waited for `commandTimeoutMs`, and sets the deadline `clockBackMs` before that:
 * as long as the clocks of gateway and store differ by no more, nothing is decided, and no append begins, after the
 * client was refused. The clock is the store's, since only the store sees an append that waited in a socket, behind a
 * lock or for a stopped server: the owner checks when it decides, the store when it comes to the statement. What is left
 * is a commit that takes longer than `clockBackMs` from that moment: it is written though its client was answered 503;
 * the answer asks for a retry with the same key, which returns what was decided.
 *
 * What only takes authority away has no deadline. Done late it is harmless; refused because two clocks differ it would
 * not be.
 */
export function deadlineOf(raw: unknown): number | undefined {
  const deadline = (raw as { deadline?: unknown } | null)?.deadline;
  return typeof deadline === 'number' && !onlyTightens(raw) ? deadline : undefined;
}

/** The deadline of a command that is sent now. */
export const deadlineFrom = (now: number): number => now + LIMITS.commandTimeoutMs - LIMITS.clockBackMs;

/** Why a command with this deadline is not carried out now. */
export function outOfTime(deadline: number | undefined, now: number): Answer | undefined {
  if (deadline === undefined) return undefined;
  if (deadline < now) return TOO_LATE;
  if (deadline > now + LIMITS.commandTimeoutMs) return CLOCKS_DIFFER;
  return undefined;
}

export const TOO_LATE = notReady(
  'the command reached the owner of the log after its deadline and was not carried out; try again with the same Idempotency-Key',
);
const CLOCKS_DIFFER = notReady(
  `the clocks of the gateway and the database differ by more than ${LIMITS.clockBackMs} ms; set them right and try again`,
);
