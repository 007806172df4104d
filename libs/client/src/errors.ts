import type { ActionAnswer } from '@bailiwick/contracts/actions/action';
import type { Reason } from '@bailiwick/contracts/reason';

/** Why a guarded call did not give its result, with a stable code and the tree of reasons. */
export abstract class GuardError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly reasons: readonly Reason[] = [],
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The call is denied, and was not made. `code` is that of the first reason. */
export class DeniedError extends GuardError {
  /** left out if the call was not sent for a decision */
  readonly actionId: string | undefined;

  constructor(reasons: readonly Reason[], actionId?: string) {
    const leaves = objectionsIn(reasons, 'deny');
    super(leaves[0]?.code ?? 'DENIED', `denied: ${textOf(leaves) || 'no reason was given'}`, reasons);
    this.actionId = actionId;
  }
}

/** No decision was made, since the service did not answer or could not decide. The call was not made. */
export class UndecidedError extends GuardError {
  constructor(cause: unknown) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    super('UNDECIDED', `no decision was made, so the call was not made: ${detail}`, [], { cause });
  }
}

/** The call needs a person's approval, and was not made. */
export class ApprovalNeededError extends GuardError {
  readonly approvalId: string;
  /** RFC 3339: until when the approval can be given */
  readonly expiresAt: string;

  constructor({ reasons, approvalId, expiresAt }: Pick<ActionAnswer, 'reasons' | 'approvalId' | 'expiresAt'>) {
    const leaves = objectionsIn(reasons, 'step-up');
    const why = textOf(leaves);
    super(
      'APPROVAL_NEEDED',
      `needs approval ${approvalId ?? 'of a person'}${why === '' ? '' : `: ${why}`}. Make the same call again once it is approved.`,
      reasons,
    );
    this.approvalId = approvalId ?? '';
    this.expiresAt = expiresAt;
  }
}

export type LeaseEnd = 'revoked' | 'suspended' | 'expired' | 'completed' | 'unreachable' | 'closed';

/** The lease is not live any more: the reason of a run's signal. Calls in flight are aborted with it. */
export class LeaseEndedError extends GuardError {
  constructor(
    readonly end: LeaseEnd,
    detail = `the lease is ${end}`,
  ) {
    super(`LEASE_${end.toUpperCase()}`, detail);
  }
}

/**
 * The call was made, and its outcome could not be reported: the service counts it as abandoned, at its full cost. Do not
 * repeat it. `result` is what the tool returned; `cause` what it threw, or why the report failed.
 */
export class OutcomeNotReportedError extends GuardError {
  constructor(
    readonly actionId: string,
    readonly result: unknown,
    cause: unknown,
  ) {
    super('OUTCOME_NOT_REPORTED', `the call ${actionId} was made, and its outcome could not be reported`, [], {
      cause,
    });
  }
}

/** Returns the reasons that state an outcome and have none below them that do. */
export function objectionsIn(reasons: readonly Reason[], outcome: Reason['outcome']): Reason[] {
  return reasons
    .filter((each) => each.outcome === outcome)
    .flatMap((each) => {
      const below = objectionsIn(each.reasons ?? [], outcome);
      return below.length > 0 ? below : [each];
    });
}

const textOf = (reasons: readonly Reason[]): string =>
  reasons
    .slice(0, 5)
    .map(({ message, code }) => (code === undefined ? message : `${message} [${code}]`))
    .join('; ');
