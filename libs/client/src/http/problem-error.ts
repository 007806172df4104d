import type { Problem, Reason } from '@bailiwick/contracts/reason';

/** A response with a status other than 2xx, with the problem that the service reported (RFC 9457). */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly reasons: Reason[] = [],
    readonly body: Record<string, unknown> = {},
  ) {
    super(detail);
    this.name = 'ProblemError';
  }
}

/** Reads the problem in the body of a response; a body of another form gives the code INTERNAL. */
export function problemOf(status: number, text: string): ProblemError {
  try {
    const body = JSON.parse(text) as Problem & Record<string, unknown>;
    return new ProblemError(status, body.code ?? 'INTERNAL', body.detail ?? text, body.reasons ?? [], body);
  } catch {
    return new ProblemError(status, 'INTERNAL', text.slice(0, 500));
  }
}
