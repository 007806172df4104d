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

/** A refusal of a command by the owner of a log, which has recorded it if it is for lack of rights. */
export class RefusedCommand extends Refused {}

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

interface Refusal {
  readonly code: string;
  readonly detail: string;
  readonly reasons?: unknown[];
  readonly extra?: Record<string, unknown>;
}

/** Converts a refusal of another service. An unknown code is an internal error. */
export const fromAnswer = (refusal: Refusal): Refused => new Refused(...membersOf(refusal));

/** Converts a refusal of a command. */
export const fromCommand = (refusal: Refusal): RefusedCommand => new RefusedCommand(...membersOf(refusal));

function membersOf({ code, detail, reasons = [], extra = {} }: Refusal): ConstructorParameters<typeof Refused> {
  return [(Object.hasOwn(CODES, code) ? code : 'INTERNAL') as Code, detail, reasons as Reason[], extra];
}
