import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { ruleStrikesRun } from './strikes';
import { lineOf, type Story } from './story';

/** The end of a run. */
export interface Ending {
  readonly at: string;
  /** human-readable: how the run ended, with which run above it, and why */
  readonly reason: string;
  readonly by: string;
  readonly position: number;
  readonly revocationId?: string;
}

// Receipts contain the reasons that are built here: a change breaks the verification of existing receipts.
const HOW = {
  RunCompleted: 'completed',
  GrantRevoked: 'revoked',
  GrantExpired: 'expired',
  GrantExhausted: 'exhausted',
  RevocationRuleAdded: 'revoked',
} as const;
type End = EventOf<keyof typeof HOW>;
const isEnd = (event: Event): event is End => Object.hasOwn(HOW, event.type);

/**
 * Returns the first event that ended the run: its own end, the end of a run above it (I2), a rule that struck one of
 * them (I6), or the refusal of its lease. Returns null if the events contain no end.
 */
export function endOf(runId: string, story: Story): Ending | null {
  const line = lineOf(runId, story).map(({ event }) => event.runId as string);
  const opened = story.openings.get(runId)?.event.position ?? Infinity;
  let first: End | undefined;
  const consider = (event: Event): void => {
    if (isEnd(event) && event.position > opened && event.position < (first?.position ?? Infinity)) first = event;
  };
  for (const run of line) {
    for (const lease of story.leases.get(run) ?? []) {
      for (const { event } of story.stops.get(lease.event.grantId as string) ?? [])
        if (!wasReplaced(event, story)) consider(event);
    }
    for (const { event } of story.rules)
      if (event.position > opened && ruleStrikesRun(event, run, story)) consider(event);
  }
  if (!first) return refusedOf(runId, story);
  return ending(
    first,
    first.runId === undefined || first.runId === runId ? '' : ` with the run above it (${first.runId})`,
  );
}

/** The end of a grant that was superseded earlier does not end a run. */
function wasReplaced(event: Event, { superseded }: Story): boolean {
  const replaced = event.grantId === undefined ? undefined : superseded.get(event.grantId);
  return replaced !== undefined && replaced.event.position < event.position;
}

function ending(event: End, whose: string): Ending {
  const { reason } = event.data;
  const revocationId = 'revocationId' in event.data ? { revocationId: event.data.revocationId } : {};
  return {
    at: event.time,
    reason: `${HOW[event.type]}${whose}: ${reason.says ?? reason.code}`,
    by: event.actor.id,
    position: event.position,
    ...revocationId,
  };
}

function refusedOf(runId: string, story: Story): Ending | null {
  for (const { event: asked } of story.asked.values()) {
    if (asked.runId !== runId || asked.data.kind !== 'grant') continue;
    const answer = story.answered.get(asked.data.approvalId)?.event;
    if (!answer || (answer.type === 'ApprovalGiven' && answer.data.verdict === 'approve')) continue;
    const why =
      answer.type === 'ApprovalGiven' ? 'a person denied the lease' : 'nobody answered the request for a lease in time';
    return { at: answer.time, reason: `refused: ${why}`, by: answer.actor.id, position: answer.position };
  }
  return null;
}
