import type { Answer } from '@bailiwick/contracts/command';

/**
 * I11: by a clock that went back nobody can say what has expired. Until it has caught up with the log nothing is
 * decided but what takes authority away.
 */
const TIGHTENING: readonly unknown[] = ['revokeGrant', 'revokeSelector', 'suspend', 'recordDrift'];
export const onlyTightens = (raw: unknown): boolean => TIGHTENING.includes((raw as { type?: unknown } | null)?.type);
export const clockWentBack = (ms: number): Answer =>
  notReady(
    `the clock of this service is ${Math.ceil(ms / 1_000)} s behind the newest event; nothing is decided until it is right`,
  );

export const notFromOutside = (type: string): Answer => ({
  ok: false,
  refusal: { code: 'FORBIDDEN', detail: `${type} is a command that only the owner of a log makes` },
});

export const notReady = (detail: string): Answer => ({ ok: false, refusal: { code: 'NOT_READY', detail } });
export const tooMany = (detail = 'the log has more commands waiting than it takes; try again shortly'): Answer => ({
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
