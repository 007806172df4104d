/**
 * Lists all error codes with the HTTP status that each has at the edge. The code of a rule names its invariant.
 * Codes are part of the public contract: never reused, never renamed.
 */
export const CODES = {
  // 400: malformed request
  BAD_REQUEST: 400,
  PATTERN_INVALID: 400,
  /** a request for access that is not bound to the denial that it names, or about one that no person is asked about */
  DENIAL_NOT_BOUND: 400,
  NOT_REQUESTABLE: 400,
  /** the resulting event would not be readable */
  EVENT_NOT_READABLE: 400, // I11
  // 401
  UNAUTHENTICATED: 401,
  DPOP_INVALID: 401,
  // 403: refused by a rule
  FORBIDDEN: 403,
  GRANT_WIDENS_PARENT: 403, // I1
  GRANT_NOT_LIVE: 403, // I2
  GRANT_EXCEEDS_MAXIMUM: 403,
  RENEWAL_NOT_ALLOWED: 403,
  NARROWING_WIDENS: 403, // I1
  BUDGET_EXHAUSTED: 403, // I3
  DELEGATION_NOT_ALLOWED: 403,
  APPROVAL_MISMATCH: 403, // I8
  APPROVAL_NOT_USABLE: 403, // I8
  REFUSED_BY_PERSON: 403,
  ESCALATION_NARROWS: 403,
  QUARANTINED: 403, // I6
  /** an event of the tree cannot be read */
  TREE_SET_ASIDE: 403, // I11
  // 404, also for resources of another tenant (I9)
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  // 409
  CONFLICT: 409,
  ALREADY_SETTLED: 409, // I7
  ALREADY_DECIDED: 409,
  ALREADY_ENDED: 409,
  IDEMPOTENCY_KEY_REUSED: 409,
  BLAST_RADIUS_GREW: 409,
  // 410
  DENIAL_EXPIRED: 410,
  // size and rate
  TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  /** a proof that does not verify */
  UNPROCESSABLE: 422,
  /** an attribute of a resource states another value than the argument of the same name */
  ATTRIBUTE_CONTRADICTS_ARGS: 422,
  /** a policy bundle has problems, or one of its tests fails */
  POLICY_INVALID: 422,
  TOO_MANY: 429,
  // the system
  INTERNAL: 500,
  NOT_READY: 503, // I11
  /** an unreadable event may concern anything, so only commands that take authority away are accepted */
  LOG_IN_DOUBT: 503, // I11
} as const;
export type Code = keyof typeof CODES;

/** Codes of the reason of one dimension or rule inside a decision. */
export const REASON_CODES = [
  'NOT_YET_VALID',
  'EXPIRED',
  'SESSION_KEY_MISMATCH',
  'SESSION_PROOF_MISSING',
  'DRIFT_STEP_UP',
  'DRIFT_UNAVAILABLE',
  'ACTION_DENIED',
  'ACTION_NOT_ALLOWED',
  'MODE_TOO_LOW',
  'MODE_PROPOSES',
  'RESOURCE_NOT_ALLOWED',
  'RESOURCE_NOT_VERIFIED',
  'NO_PERMISSION',
  'PERMISSION_EXHAUSTED',
  'PAIR_DENIED',
  'BUDGET_EXHAUSTED',
  'WINDOW_EXHAUSTED',
  'PER_ACTION_EXCEEDED',
  'TENANT_BUDGET_EXHAUSTED',
  'PER_VERB_EXHAUSTED',
  'BUDGET_ASK_AT',
  'CURRENCY_NOT_ALLOWED',
  'UNIT_NOT_ALLOWED',
  'COST_NOT_VERIFIED',
  'RISK_ABOVE_CEILING',
  'RISK_NEEDS_APPROVAL',
  'IRREVERSIBLE_NEEDS_APPROVAL',
  'POSTURE_MISMATCH',
  'POSTURE_CHANGED',
  'AGENT_CLASS_NOT_ALLOWED',
  'DELEGATION_DEPTH',
  'DELEGATION_CHILDREN',
  'DELEGATION_CONCURRENT',
  'GRANT_NOT_LIVE',
  'REVOKED_BY_RULE',
  'TOO_MANY_IN_FLIGHT',
  'SECRET_EXFILTRATION',
  'EXEC_AFTER_DENIED_ESCALATION',
  'LETHAL_TRIFECTA',
  'MAY_SEND_SECRET',
  'MAY_SEND_PRIVATE',
  'FETCH_AFTER_PRIVATE',
  'MAY_EXEC_AFTER_DENIED_ESCALATION',
  'SENDING_IN_FLIGHT',
  'MAY_SEND_IN_FLIGHT',
  'POLICY_RULE',
  'APPROVED',
  'APPROVAL_MISMATCH',
  'APPROVAL_NOT_USABLE',
  'OBJECTIONS_ADDED',
  'APPROVERS_NOT_ENOUGH',
  'ARGUMENTS_NOT_STATED',
  'ARGUMENTS_UNCLEAR',
  'RESOURCE_CONTRADICTS_ARGS',
  'ATTRIBUTE_CONTRADICTS_ARGS',
  'REFUSED_BY_PERSON',
  'CALL_NOT_IN_FLIGHT',
  'CALLER_NOT_LIVE',
  'CALL_TO_ANOTHER',
  'CALL_ALREADY_USED',
  'RENEWAL_NOT_ALLOWED',
  'WIDENS',
  'BEYOND_MANIFEST',
  'NO_MANIFEST',
  'NOT_LISTED_TO_ASK',
  'OUTSIDE_HOURS',
  'OBLIGATION_NOT_UNDERSTOOD',
  'OBLIGATIONS_UNCLEAR',
  'CONDITION_FORBIDS',
  'CONDITION_UNDECIDED',
] as const;
export type ReasonCode = (typeof REASON_CODES)[number];
