import type { Answer } from '@bailiwick/contracts/commands/command';

/** Commands that only take authority away. The owner decides them even if its clock is behind the log (I11). */
const TIGHTENING: readonly unknown[] = ['revokeGrant', 'revokeSelector', 'suspend', 'narrow', 'recordDrift'];
export const onlyTightens = (raw: unknown): boolean => TIGHTENING.includes((raw as { type?: unknown } | null)?.type);
/** Refuses commands while the clock is behind the log: it cannot be known what has expired (I11). */
export const clockWentBack = (ms: number): Answer =>
  notReady(
    `the clock of this service is ${Math.ceil(ms / 1_000)} s behind the newest event; until it is correct, only commands that take authority away are decided`,
  );

export const notFromOutside = (type: string): Answer => ({
  ok: false,
  refusal: { code: 'FORBIDDEN', detail: `only the owner of a log creates ${type} commands` },
});

export const notReady = (detail: string): Answer => ({ ok: false, refusal: { code: 'NOT_READY', detail } });
export const tooMany = (detail = 'the queue of the log is full; try again shortly'): Answer => ({
  ok: false,
  refusal: { code: 'TOO_MANY', detail },
});

export function badCommand(issues: readonly { path: PropertyKey[]; message: string }[]): Answer {
  const detail = issues
    .slice(0, 5)
    .map((issue) => `${issue.path.join('.') || 'command'}: ${issue.message}`)
    .join('; ');
  return { ok: false, refusal: { code: 'BAD_REQUEST', detail } };
}
