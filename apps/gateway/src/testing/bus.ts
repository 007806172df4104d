import type { Bus } from '@bailiwick/messaging/connect';
import { busFailure, type BusFailureCode } from '@bailiwick/messaging/failure';
import { OWNED } from '@bailiwick/messaging/subjects';

export type BusReply = { value: unknown; parts?: readonly unknown[] } | { fails: BusFailureCode };

/** Makes a bus whose other end is a function. `owned` announces that a log has a new owner. */
export function busThat(answers: (subject: string, payload: never) => BusReply | Promise<BusReply>): {
  bus: Bus;
  sent: [string, unknown][];
  owned: (payload: unknown) => void;
} {
  const sent: [string, unknown][] = [];
  let owned: (payload: unknown, subject: string) => void = () => undefined;
  const listen: Bus['listen'] = (_subject, listener) => {
    owned = listener;
    return () => undefined;
  };
  const request: Bus['request'] = async (subject, payload, _ms, options) => {
    sent.push([subject, payload]);
    const reply = await answers(subject, payload as never);
    if ('fails' in reply) return { ok: false, error: busFailure(reply.fails, subject, 'no') };
    for (const part of reply.parts ?? []) options?.onPart?.(part);
    return { ok: true, value: reply.value };
  };
  const unchanging: Pick<Bus, 'publish' | 'onEvent' | 'status'> = {
    publish: () => ({ ok: true, value: undefined }),
    onEvent: () => () => undefined,
    // while it is not connected, what a gateway knows of enforcement points does not depend on the time
    status: () => ({ state: 'disconnected', server: 'none', reconnects: 0 }),
  };
  return { bus: { request, listen, ...unchanging } as Bus, sent, owned: (payload) => owned(payload, OWNED) };
}
