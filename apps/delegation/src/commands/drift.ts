import { mayBeHighRisk } from '@bailiwick/authority/matching/catalog';
import type { Bus } from '@bailiwick/messaging/connect';
import { intentSubject } from '@bailiwick/messaging/subjects';
import { authorize } from '@bailiwick/contracts/command';
import { scoreAnswer, type ScoreRequest } from '@bailiwick/contracts/intent';

const SCORE_MS = 500;

/**
 * Fetches the drift of a high-risk action before its command enters the mailbox: the owner itself waits for nobody. An
 * action whose score cannot be had says so, and its rule asks a person (I11).
 * @param after one past the newest event that is written: what the monitor must have seen before it says anything. What
 * is only about to be written may never be, and would be waited for in vain; its client has no answer yet.
 */
export async function withDrift(bus: Bus, raw: unknown, after: number): Promise<unknown> {
  if (!needsDrift(raw)) return raw;
  const parsed = authorize.safeParse(raw);
  if (!parsed.success) return raw; // its owner says what is wrong with it
  const { log, grantId, action, resource, labels, payload, actor, proof } = parsed.data;
  const vouched = proof.vouched && actor.kind !== 'run';
  const request: ScoreRequest = { log, grantId, after, action, resource, labels, vouched, args: payload?.value.args };
  const answer = await bus.request(intentSubject('score'), request, SCORE_MS);
  const score = answer.ok ? scoreAnswer.safeParse(answer.value) : undefined;
  return { ...parsed.data, drift: score?.success ? score.data.value : 'unavailable' };
}

/** From a few members, before anything has checked their form: of a malformed one it does not matter. */
export function needsDrift(raw: unknown): boolean {
  const { type, action } = (raw ?? {}) as {
    type?: unknown;
    action?: { verb?: unknown; risk?: unknown; effect?: unknown };
  };
  if (type !== 'authorize' || typeof action?.verb !== 'string') return false;
  return mayBeHighRisk({ verb: action.verb, risk: action.risk, effect: action.effect });
}
