import { CODES, type Code } from '@bailiwick/contracts/error-codes';
import { NonceWanted } from '@bailiwick/edge/tokens/dpop-proofs';
import { Refused } from './problem';

/** Ends a request to an OAuth endpoint with one of the errors of its specification. */
export class OAuthRefused extends Refused {
  constructor(
    readonly error: string,
    detail: string,
    extra: Record<string, unknown> = {},
  ) {
    super(error === 'invalid_client' ? 'UNAUTHENTICATED' : 'BAD_REQUEST', detail, [], extra);
  }
}

/** Reports whether the errors of an endpoint have the form of RFC 6749 instead of RFC 9457. */
export const isOAuth = (path: string): boolean => path.startsWith('/oauth/');

/** RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 8707 §2, RFC 9396 §5, RFC 9449 §5; any other code is `invalid_request`. */
const ERRORS: Partial<Record<Code, string>> = {
  UNAUTHENTICATED: 'invalid_client',
  DPOP_INVALID: 'invalid_dpop_proof',
  FORBIDDEN: 'unauthorized_client',
  GRANT_WIDENS_PARENT: 'invalid_authorization_details',
  GRANT_EXCEEDS_MAXIMUM: 'invalid_authorization_details',
  DELEGATION_NOT_ALLOWED: 'invalid_authorization_details',
  PATTERN_INVALID: 'invalid_authorization_details',
  EVENT_NOT_READABLE: 'invalid_authorization_details',
  TOO_MANY: 'temporarily_unavailable',
  NOT_READY: 'temporarily_unavailable',
  LOG_IN_DOUBT: 'temporarily_unavailable',
  INTERNAL: 'server_error',
};

/** These statuses have a meaning for HTTP clients and intermediaries; every other refusal is 400. */
const KEPT: ReadonlySet<number> = new Set([413, 429, 500, 503]);

/** Returns the response to a refused request. `code` and `reasons` are ours; clients ignore members that they do not know. */
export function oauthError(refused: Refused): {
  status: number;
  headers: Record<string, string>;
  body: Record<string, unknown>;
} {
  const { code, detail, reasons, extra } = refused;
  const error = errorOf(refused);
  const own = CODES[code];
  const status = error === 'invalid_client' ? 401 : KEPT.has(own) ? own : 400;
  const headers: Record<string, string> = {};
  if (status === 401) headers['www-authenticate'] = 'Basic realm="bailiwick"';
  if (status === 429 || status === 503) headers['retry-after'] = '1';
  if (refused instanceof NonceWanted) headers['dpop-nonce'] = refused.nonce;
  const ours = refused instanceof OAuthRefused ? {} : { code, ...(reasons.length > 0 ? { reasons } : {}) };
  return { status, headers, body: { error, error_description: describe(detail), ...ours, ...extra } };
}

function errorOf(refused: Refused): string {
  if (refused instanceof OAuthRefused) return refused.error;
  if (refused instanceof NonceWanted) return 'use_dpop_nonce';
  return ERRORS[refused.code] ?? 'invalid_request';
}

/** Keeps to the characters of `error_description`: printable ASCII without quotation mark and backslash. */
function describe(detail: string): string {
  return detail
    .replaceAll('"', "'")
    .replaceAll('\\', '/')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 1_000);
}
