import { randomUUID } from 'node:crypto';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { GovernedOptions } from '../calls/governed';
import type { LiveLeases } from '../calls/live-leases';
import type { Reads } from '../calls/reads';
import { isObject } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { Asker, Session } from '../sessions/session';
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

/**
 * Streams of notifications (2026-07-28, `subscriptions/listen`). A stream ends with its lease, with its client, and after
 * the time that a call may take: its client opens another, and each subscription is decided again.
 */
export class Listening {
  /** streams that are open, by lease */
  private readonly open = new Map<string, number>();

  constructor(
    private readonly sessions: Sessions,
    private readonly reads: Reads,
    private readonly leases: LiveLeases,
  ) {}

  /** @throws Refused NOT_READY if the lease has too many streams */
  async listen(id: string | number, { notifications }: Json, asked: Asked): Promise<MethodAnswer> {
    if (!isObject(notifications) || !asked.stream)
      return invalid('subscriptions/listen takes notifications, and a stream');
    const { resourceSubscriptions: uris = [], ...changes } = notifications;
    if (!Array.isArray(uris) || uris.length > BOUNDARY_LIMITS.subscriptions)
      return invalid('resourceSubscriptions must be a list, and is too long');
    const leave = this.enter(asked.claims);
    try {
      return await this.stream(id, { uris, changes }, asked, asked.stream);
    } finally {
      leave();
    }
  }

  private enter({ tenant, grantId }: TokenClaims): () => void {
    const key = `${tenant}\n${grantId}`;
    const count = this.open.get(key) ?? 0;
    if (count >= BOUNDARY_LIMITS.sessionsPerLease)
      throw new Refused('NOT_READY', 'the run has too many streams open; close one, or try again');
    this.open.set(key, count + 1);
    return () => {
      const left = (this.open.get(key) ?? 1) - 1;
      if (left > 0) this.open.set(key, left);
      else this.open.delete(key);
    };
  }

  private async stream(
    id: string | number,
    { uris, changes }: { readonly uris: unknown[]; readonly changes: Json },
    asked: Asked,
    stream: Asker,
  ): Promise<MethodAnswer> {
    const { claims, upstream, signal } = asked;
    const client = `listen ${randomUUID()}`;
    const ending = new AbortController();
    // before the lease is read for the session: a revocation after that would be reported as enforced
    const watched = this.leases.watch(claims.tenant, claims.grantId, ending);
    const ends = [() => watched.end()];
    try {
      const { session, release } = await this.sessions.hold({ claims, upstream, capabilities: {}, client });
      ends.push(release, () => session?.close());
      const tagged = (params: Json): Json => ({ ...params, _meta: { [SUBSCRIPTION]: id } });
      // the acknowledgement precedes all others
      const held = new Held((method, params) => stream.notify(method, tagged(params)));
      const notify: Asker['notify'] = (method, params) => {
        const change = CHANGES[method];
        if (change === undefined || changes[change] === true) held.notify(method, params);
      };
      const ask = (): Promise<never> => Promise.reject(new Error('this stream has no requests'));
      if (session) ends.push(session.attach({ ask, notify }, 'stream'));
      const honored = session ? await this.subscribed(session, uris, asked) : [];
      const wanted = Object.values(CHANGES).filter((name) => changes[name] === true);
      const agreed = session && wanted.length > 0 && (await listens(session.upstream)) ? wanted : [];
      const lists = Object.fromEntries(agreed.map((name) => [name, true]));
      const resources = honored.length > 0 ? { resourceSubscriptions: honored } : {};
      stream.notify('notifications/subscriptions/acknowledged', tagged({ notifications: { ...lists, ...resources } }));
      held.start();
      const time = AbortSignal.timeout(BOUNDARY_LIMITS.callMs);
      const all = AbortSignal.any([signal, ending.signal, time, ...(session ? [session.closed.signal] : [])]);
      if (!all.aborted)
        await new Promise<void>((resolve) => all.addEventListener('abort', () => resolve(), { once: true }));
      return { status: 200, result: JSON.stringify({ resultType: 'complete', _meta: { [SUBSCRIPTION]: id } }) };
    } finally {
      for (const end of ends) end();
    }
  }

  /** Subscribes to each resource after its decision. @returns those that are permitted, and that the server agreed to */
  private async subscribed(session: Session, uris: readonly unknown[], { claims, signal }: Asked): Promise<string[]> {
    const honored: string[] = [];
    for (const uri of uris) {
      const params = { uri };
      const reading = {
        method: 'resources/subscribe',
        params,
        approvalId: undefined,
        send: ({ isReduced: _, ...options }: GovernedOptions) => session.subscribe(params, options),
      };
      const answer = await this.reads.read(claims, session.upstream, reading, signal);
      if ('result' in answer) honored.push(String(uri));
    }
    return honored;
  }
}

/**
 * Holds notifications until a stream starts, each once: the same one again states nothing new. Beyond the limit they are
 * dropped, as for a client that does not read.
 */
class Held {
  private held: Map<string, () => void> | undefined = new Map();
  private chars = 0;

  constructor(private readonly send: Asker['notify']) {}

  notify(method: string, params: Json): void {
    if (!this.held) return this.send(method, params);
    const key = `${method} ${JSON.stringify(params)}`;
    if (this.held.has(key) || this.chars + key.length > BOUNDARY_LIMITS.unreadBytes) return;
    this.chars += key.length;
    this.held.set(key, () => this.send(method, params));
  }

  start(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const send of held.values()) send();
  }
}

const invalid = (message: string): MethodAnswer => ({ status: 200, error: { code: -32602, message } });
const listens = (upstream: Upstream): Promise<boolean> =>
  upstream.listen().then(
    () => true,
    () => false,
  );
