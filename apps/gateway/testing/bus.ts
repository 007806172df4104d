import type { Bus } from '#bus/connect';
import { busFailure, type BusFailureCode } from '#bus/failure';

export type Said = { value: unknown } | { fails: BusFailureCode };

/** A bus whose other end is a function. `owned` says that a log has a new owner. */
export function busThat(answers: (subject: string, payload: never) => Said | Promise<never>): {
  bus: Bus;
  sent: [string, unknown][];
  owned: (payload: unknown) => void;
} {
  const sent: [string, unknown][] = [];
  let owned: (payload: unknown) => void = () => undefined;
  const listen: Bus['listen'] = (_subject, listener) => {
    owned = listener;
    return () => undefined;
  };
  const request: Bus['request'] = (subject, payload) => {
    sent.push([subject, payload]);
    const said = answers(subject, payload as never);
    if (said instanceof Promise) return said;
    return Promise.resolve(
      'value' in said ? { ok: true, value: said.value } : { ok: false, error: busFailure(said.fails, subject, 'no') },
    );
  };
  return { bus: { request, listen } as Bus, sent, owned: (payload) => owned(payload) };
}
