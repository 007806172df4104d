import { randomUUID } from 'node:crypto';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { Asker } from '../sessions/session';

/** Asks the person at the client to open the page of an approval (elicitation by URL). It states nothing about the call. */
export const approvalAsked = (
  approvalId: string,
  url: string,
): { method: string; params: Record<string, unknown> } => ({
  method: 'elicitation/create',
  params: {
    mode: 'url',
    elicitationId: approvalId,
    url,
    message: `A person must approve this exact call. Open the page, sign in, and answer approval ${approvalId}; continue here afterwards.`,
  },
});

/** Shows the page, and waits until the person at the client continues, as long as a call may take. @returns whether they agreed to open it */
export async function withApprovals(
  asker: Asker,
  request: ReturnType<typeof approvalAsked>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(BOUNDARY_LIMITS.callMs)]);
    const answer = await asker.ask({ id: `srv_${randomUUID()}`, ...request }, bounded);
    return 'result' in answer && (answer.result as { action?: unknown } | null)?.action === 'accept';
  } catch {
    return false;
  }
}
