import { randomUUID } from 'node:crypto';
import type { LiveLeases } from '../calls/live-leases';
import type { Reads } from '../calls/reads';
import { isObject } from '../json-text';
import { BOUNDARY_LIMITS } from '../limits';
import type { Session } from '../sessions/session';
import type { Sessions } from '../sessions/sessions';
import type { Upstream } from '../upstream/upstream';
import type { Asked, MethodAnswer } from './asked';

type Json = Record<string, unknown>;

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const CHANGES: Readonly<Record<string, string>> = {
  'notifications/tools/list_changed': 'toolsListChanged',
  'notifications/prompts/list_changed': 'promptsListChanged',
  'notifications/resources/list_changed': 'resourcesListChanged',
};

/** Streams of notifications (2026-07-28, `subscriptions/listen`). A stream ends with its lease, and with its client. */
export class Listening {
  constructor(
    private readonly sessions: Sessions,
    private readonly reads: Reads,
    private readonly leases: LiveLeases,
  ) {}

  async listen(id: string | number, { notifications }: Json, asked: Asked): Promise<MethodAnswer> {
    const { claims, upstream, stream, signal } = asked;
    if (!isObject(notifications) || !stream)
      return {
        status: 200,
        error: { code: -32602, message: 'subscriptions/listen takes notifications, and a stream' },
      };
    const { resourceSubscriptions: uris = [], ...changes } = notifications;
    if (!Array.isArray(uris) || uris.length > BOUNDARY_LIMITS.subscriptions)
      return { status: 200, error: { code: -32602, message: 'resourceSubscriptions must be a list, and is too long' } };
    const session = await this.sessions.of({ claims, upstream, capabilities: {}, client: `listen ${randomUUID()}` });
    const ending = new AbortController();
    const watched = this.leases.watch(claims.tenant, claims.grantId, ending);
    const tagged = (params: Json): Json => ({ ...params, _meta: { [SUBSCRIPTION]: id } });
    // the acknowledgement precedes all others
    let early: (() => void)[] | undefined = [];
    const detach = session?.attach(
      {
        ask: () => Promise.reject(new Error('this stream has no requests')),
        notify: (method, params) => {
          const change = CHANGES[method];
          if (change !== undefined && changes[change] !== true) return;
          const send = (): void => stream.notify(method, tagged(params));
          if (early) early.push(send);
          else send();
        },
      },
      'stream',
    );
    try {
      const honored: string[] = [];
      for (const uri of session ? uris : []) {
        const params = { uri: uri as unknown };
        const answer = await this.reads.read(
          claims,
          session?.upstream ?? upstream,
          {
            method: 'resources/subscribe',
            params,
            approvalId: undefined,
            send: ({ isReduced: _, ...options }) => (session as Session).subscribe(params, options),
          },
          signal,
        );
        if ('result' in answer) honored.push(String(uri));
      }
      const wanted = Object.values(CHANGES).filter((name) => changes[name] === true);
      const agreed = session && wanted.length > 0 && (await listens(session.upstream)) ? wanted : [];
      stream.notify(
        'notifications/subscriptions/acknowledged',
        tagged({
          notifications: {
            ...Object.fromEntries(agreed.map((name) => [name, true])),
            ...(honored.length > 0 ? { resourceSubscriptions: honored } : {}),
          },
        }),
      );
      for (const send of early) send();
      early = undefined;
      const all = AbortSignal.any([signal, ending.signal, ...(session ? [session.closed.signal] : [])]);
      if (!all.aborted)
        await new Promise<void>((resolve) => all.addEventListener('abort', () => resolve(), { once: true }));
      return { status: 200, result: JSON.stringify({ resultType: 'complete', _meta: { [SUBSCRIPTION]: id } }) };
    } finally {
      watched.end();
      detach?.();
      session?.close();
    }
  }
}

const listens = (upstream: Upstream): Promise<boolean> =>
  upstream.listen().then(
    () => true,
    () => false,
  );
