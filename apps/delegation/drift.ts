import { lookup } from '#authority/catalog';
import { normalizeVerb } from '#authority/verb';
import type { Bus } from '#bus/connect';
import { intentSubject } from '#bus/subjects';
import { authorize, type CommandOf } from '#contracts/command';
import { feature } from '#contracts/event';
import { z } from 'zod';

const scored = z.object({ ok: z.literal(true), value: z.object({ score: z.number().min(0).max(1), features: z.array(feature).max(32) }) });
const SCORE_MS = 500;

/**
 * Fetches the drift of a high-risk action before its command enters the mailbox: the owner itself waits for nobody. An
 * action whose score cannot be had says so, and its rule asks a person (I11).
 */
export async function withDrift(bus: Bus, raw: unknown): Promise<unknown> {
  const parsed = authorize.safeParse(raw);
  if (!parsed.success || !isHighRisk(parsed.data) || parsed.data.drift !== undefined) return raw;
  const { log, grantId, action, resource, labels, payload } = parsed.data;
  const answer = await bus.request(intentSubject('score'), { log, grantId, action, resource, labels, args: payload?.value.args }, SCORE_MS);
  const score = answer.ok ? scored.safeParse(answer.value) : undefined;
  return { ...parsed.data, drift: score?.success ? score.data.value : 'unavailable' };
}

function isHighRisk(command: CommandOf<'authorize'>): boolean {
  const { verb, risk, effect } = command.action;
  const normal = normalizeVerb(verb);
  const known = normal.ok ? lookup(normal.value) : undefined;
  return [risk, known?.risk].some((tier) => tier === 'high' || tier === 'irreversible') || effect === 'exec';
}
