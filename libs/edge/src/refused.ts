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
