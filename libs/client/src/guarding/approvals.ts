import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { monotonicClock, systemClock } from '@bailiwick/core/clock';
import type { CallOptions } from '../http/http-calls';
import { pause } from '../http/pause';
import { ApprovalNeededError, DeniedError } from '../errors';

/** Waits for people. `false`: a call that needs approval throws ApprovalNeededError at once. */
export type ApprovalWait =
  | boolean
  | {
      /** called with each approval that is waited for, such as to show its card */
      readonly asked?: (approval: { readonly id: string; readonly expiresAt: string }) => void;
      /** ms; left out: until the request for approval ends */
      readonly timeoutMs?: number;
      /** ms between two readings; 1,000 unless stated */
      readonly everyMs?: number;
    };

interface Approvals {
  approval(id: string, options?: CallOptions): Promise<ApprovalView>;
}
type Asked = ConstructorParameters<typeof ApprovalNeededError>[0];

/**
 * Resolves once the request is approved.
 * @throws ApprovalNeededError if no decision is waited for or arrives in time; DeniedError if a person denied it; the
 * reason of the signal
 */
export async function approved(
  service: Approvals,
  request: Asked,
  wait: ApprovalWait,
  signal: AbortSignal,
): Promise<string> {
  const { approvalId: id, expiresAt } = request;
  if (wait === false || id === undefined) throw new ApprovalNeededError(request);
  const { asked, timeoutMs = Infinity, everyMs = 1_000 } = wait === true ? {} : wait;
  asked?.({ id, expiresAt });
  const until = monotonicClock.now() + Math.min(timeoutMs, Date.parse(expiresAt) - systemClock.now());
  for (;;) {
    const { status } = await service.approval(id, { signal });
    if (status === 'approved') return id;
    if (status === 'denied') throw new DeniedError([refused(id)]);
    if (status !== 'pending' || monotonicClock.now() >= until) throw new ApprovalNeededError(request);
    await pause(everyMs, signal);
  }
}

const refused = (id: string) =>
  ({
    rule: 'approval',
    outcome: 'deny',
    code: 'REFUSED_BY_PERSON',
    message: `a person refused the request ${id}`,
  }) as const;
