import type { Bus } from '@bailiwick/messaging/connect';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { z } from 'zod';
import { Refused } from '../refused';

/** The pause before the next attempt. */
export const RETRY_MS = 100;

export const answer = z.union([
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({
    ok: z.literal(false),
    refusal: z.object({
      code: z.string(),
      detail: z.string(),
      reasons: z.array(z.unknown()).optional(),
      extra: z.record(z.string(), z.unknown()).optional(),
    }),
  }),
]);

/** One attempt, with the time that is left for it. */
export type Send = (ms: number) => ReturnType<Bus['request']>;

export interface RetryOptions {
  /** the recipient, as error texts name it */
  readonly recipient: string;
  readonly timeoutMs: number;
  /** called if no process serves the subject; an error that it throws ends the retries */
  readonly onNoResponders?: () => Promise<void>;
}

/**
 * Repeats a request until its recipient responds. Only the gateway repeats requests: a request that is lost between two
 * owners never reaches either. An owner repeats only its own appends.
 * @throws Refused INTERNAL for a malformed response, TOO_LARGE, or NOT_READY after the time limit
 */
export async function requestWithRetries(send: Send, options: RetryOptions): Promise<Answer> {
  const { recipient, timeoutMs, onNoResponders } = options;
  const until = performance.now() + timeoutMs;
  for (;;) {
    const reply = await send(Math.max(1, until - performance.now()));
    if (reply.ok) {
      const parsed = answer.safeParse(reply.value);
      if (!parsed.success) throw new Refused('INTERNAL', `${recipient} sent a malformed response`);
      return parsed.data;
    }
    if (reply.error.code === 'NO_RESPONDERS') await onNoResponders?.();
    if (reply.error.code === 'TOO_LARGE')
      throw new Refused(
        'TOO_LARGE',
        `the request to ${recipient}, or its response, exceeds the maximum message size; narrow the query or use paging: ${reply.error.detail}`,
      );
    if (performance.now() + RETRY_MS >= until)
      throw new Refused('NOT_READY', `${recipient} cannot be reached at the moment; try again`);
    await pause();
  }
}

export const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, RETRY_MS));
