import type { Code } from '@bailiwick/contracts/error-codes';
import { Refused, RefusedCommand } from '../../http/problems/problem';

const URN = 'urn:openid:authzen:access-request:error:';

/** The problem types of the profile, by our codes; any other problem has the type that it has elsewhere. */
const TYPES: Partial<Record<Code, string>> = {
  NOT_REQUESTABLE: 'not_requestable',
  DENIAL_EXPIRED: 'expired_denial',
  DENIAL_NOT_BOUND: 'invalid_denial_binding',
  IDEMPOTENCY_KEY_REUSED: 'duplicate_request',
  NOT_FOUND: 'unknown_task',
};

/** Gives a refusal the problem type that the profile defines for it. */
export function typed(error: unknown): unknown {
  if (!(error instanceof Refused) || TYPES[error.code] === undefined) return error;
  const { code, detail, reasons, extra } = error;
  const members = [code, detail, reasons, { ...extra, type: `${URN}${TYPES[code]}` }] as const;
  return error instanceof RefusedCommand ? new RefusedCommand(...members) : new Refused(...members);
}
