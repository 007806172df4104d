import { CODES, type Code } from '@bailiwick/contracts/error-codes';
import type { Reason } from '@bailiwick/contracts/reason';

/** Ends a request with a refusal, which becomes problem+json (RFC 9457). */
export class Refused extends Error {
  constructor(
    readonly code: Code,
    readonly detail: string,
    readonly reasons: Reason[] = [],
    readonly extra: Record<string, unknown> = {},
  ) {
    super(detail);
  }
}

/** A refusal by the owner of a log, which has recorded it, or by the ledger or the delegation service. */
export class RefusedElsewhere extends Refused {}

const TITLES: Partial<Record<Code, string>> = {
  GRANT_WIDENS_PARENT: 'A child grant must not be wider than its parent',
  GRANT_NOT_LIVE: 'The grant is not live',
  BUDGET_EXHAUSTED: 'The budget is used up',
  BLAST_RADIUS_GREW: 'The revocation would stop more than was seen',
};

export function problemOf(refused: Refused): { status: number; body: Record<string, unknown> } {
  const status = CODES[refused.code];
  const title = TITLES[refused.code] ?? refused.code.toLowerCase().replaceAll('_', ' ');
  const { code, detail, reasons, extra } = refused;
  return {
    status,
    body: { type: `https://bailiwick.dev/problems/${code}`, title, status, code, detail, reasons, ...extra },
  };
}

/** Converts a refusal of another service. An unknown code is an internal error. */
export function fromAnswer(refusal: {
  code: string;
  detail: string;
  reasons?: unknown[];
  extra?: Record<string, unknown>;
}): RefusedElsewhere {
  const code = (Object.hasOwn(CODES, refusal.code) ? refusal.code : 'INTERNAL') as Code;
  return new RefusedElsewhere(code, refusal.detail, (refusal.reasons ?? []) as Reason[], refusal.extra ?? {});
}
