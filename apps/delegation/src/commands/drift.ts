import { asksMonitor, isHighRisk, mayBeHighRisk } from '@bailiwick/authority/matching/catalog';
import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { interpret } from '@bailiwick/authority/matching/requested-call';
import type { Bus } from '@bailiwick/messaging/connect';
import { intentSubject } from '@bailiwick/messaging/subjects';
import { authorize } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { scoreAnswer, type ScoreRequest } from '@bailiwick/contracts/actions/intent';

/** What the owner of a log knows of it. */
export interface Owner {
  /**
   * One past the newest written event, which the monitor must have read before it responds. Events in flight do not count:
   * they may never be written, and their clients have no response yet.
   */
  readonly committed: number;
  /** that of the policy in force */
  readonly catalog: Catalog;
  /** Reports whether no threshold that applies to a lease could be reached by a score. */
  ignoresDrift(grantId: unknown): boolean;
}

/**
 * Requests the drift score of an action that does more than read, or is high-risk, before its command enters the mailbox,
 * because an owner never waits for other services. The score covers every result reported before. Without a score in time
 * the command of a high-risk action is marked `unavailable`, and its rule requires an approval (I11); any other action is
 * decided by the drift in the log.
 */
export async function withDrift(bus: Bus, raw: unknown, owner: Owner): Promise<unknown> {
  if (!needsDrift(raw, owner)) return raw;
  const { committed: after, catalog } = owner;
  const parsed = authorize.safeParse(raw);
  if (!parsed.success) return raw; // the owner refuses it
  const { log, grantId, action, resource, labels, payload, actor, proof } = parsed.data;
  const vouched = proof.vouched && actor.kind !== 'run';
  const call = interpret({ action, resource, labels, vouched }, catalog);
  if (!call) return raw; // the owner refuses it
  const request: ScoreRequest = { log, grantId, after, call, args: payload?.value.args };
  const answer = await bus.request(intentSubject('score'), request, LIMITS.driftMs);
  const score = answer.ok ? scoreAnswer.safeParse(answer.value) : undefined;
  if (score?.success) return { ...parsed.data, drift: score.data.value };
  return isHighRisk(call.risk) ? { ...parsed.data, drift: 'unavailable' } : raw;
}

/** Reads a few members of an unchecked command; the result for a malformed one does not matter. */
export function needsDrift(raw: unknown, owner: Omit<Owner, 'committed'>): boolean {
  const { type, grantId, action, actor, proof } = (raw ?? {}) as {
    type?: unknown;
    grantId?: unknown;
    actor?: { kind?: unknown };
    proof?: { vouched?: unknown };
    action?: { verb?: unknown; tool?: unknown; risk?: unknown; effect?: unknown };
  };
  if (type !== 'authorize' || typeof action?.verb !== 'string') return false;
  const { verb, tool, risk, effect } = action;
  const vouched = proof?.vouched === true && actor?.kind !== 'run';
  const call = { verb, tool, risk, effect };
  if (!asksMonitor(call, vouched, owner.catalog)) return false;
  return mayBeHighRisk(call, owner.catalog) || !owner.ignoresDrift(grantId);
}
