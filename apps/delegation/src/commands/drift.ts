import { mayBeHighRisk } from '@bailiwick/authority/matching/catalog';
import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { interpret } from '@bailiwick/authority/matching/requested-call';
import type { Bus } from '@bailiwick/messaging/connect';
import { intentSubject } from '@bailiwick/messaging/subjects';
import { authorize } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { scoreAnswer, type ScoreRequest } from '@bailiwick/contracts/actions/intent';

/**
 * Requests the drift score of a high-risk action before its command enters the mailbox, because an owner never waits for
 * other services. Without a score the command is marked `unavailable`, and its rule requires an approval (I11).
 * @param after one past the newest written event, which the monitor must have read before it responds. Events in flight
 * do not count: they may never be written, and their clients have no response yet.
 * @param catalog that of the policy in force
 */
export async function withDrift(bus: Bus, raw: unknown, after: number, catalog: Catalog): Promise<unknown> {
  if (!needsDrift(raw, catalog)) return raw;
  const parsed = authorize.safeParse(raw);
  if (!parsed.success) return raw; // the owner refuses it
  const { log, grantId, action, resource, labels, payload, actor, proof } = parsed.data;
  const vouched = proof.vouched && actor.kind !== 'run';
  const call = interpret({ action, resource, labels, vouched }, catalog);
  if (!call) return raw; // the owner refuses it
  const request: ScoreRequest = { log, grantId, after, call, args: payload?.value.args };
  const answer = await bus.request(intentSubject('score'), request, LIMITS.driftMs);
  const score = answer.ok ? scoreAnswer.safeParse(answer.value) : undefined;
  return { ...parsed.data, drift: score?.success ? score.data.value : 'unavailable' };
}

/** Reads a few members of an unchecked command; the result for a malformed one does not matter. */
export function needsDrift(raw: unknown, catalog: Catalog): boolean {
  const { type, action } = (raw ?? {}) as {
    type?: unknown;
    action?: { verb?: unknown; tool?: unknown; risk?: unknown; effect?: unknown };
  };
  if (type !== 'authorize' || typeof action?.verb !== 'string') return false;
  const { verb, tool, risk, effect } = action;
  return mayBeHighRisk({ verb, tool, risk, effect }, catalog);
}
