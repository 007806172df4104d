import { setTimeout as after } from 'node:timers/promises';
import { isObject } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { UpstreamGone, type Connection, type RequestOptions, type UpstreamAnswer } from './connection';

type Json = Record<string, unknown>;

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const AGREED: UpstreamAnswer = { ok: true, result: '{}' };

/**
 * The stream of changes of a server of the stateless revision (MCP 2026-07-28, `subscriptions/listen`), which has the
 * place of `resources/subscribe` and of the stream without a request in the revisions before. It is opened again if it
 * ends, and for other resources.
 */
export class Changes {
  private readonly resources = new Set<string>();
  private readonly lists: Json;
  private stream = new AbortController();
  private acknowledged: ((agreed: Json) => void) | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  /** @param capabilities those of the server */
  constructor(
    private readonly connection: Connection,
    capabilities: Json,
  ) {
    const has = (part: string): boolean => isObject(capabilities[part]) && capabilities[part].listChanged === true;
    this.lists = {
      ...(has('tools') ? { toolsListChanged: true } : {}),
      ...(has('prompts') ? { promptsListChanged: true } : {}),
      ...(has('resources') ? { resourcesListChanged: true } : {}),
    };
    connection.onNotification((method, { notifications }) => {
      if (method === ACKNOWLEDGED) this.acknowledged?.(isObject(notifications) ? notifications : {});
    });
    void connection.ended.then(() => this.stream.abort());
  }

  /** Starts to listen for changes of lists. */
  async listen(): Promise<void> {
    await this.renewed();
  }

  /**
   * An abort of the signal ends the subscription at once, and the stream that is being opened for it.
   * @returns the answer to a subscription: an error if the server does not agree to it
   * @throws UpstreamGone
   */
  async subscribe(uri: string, { signal }: Pick<RequestOptions, 'signal'>): Promise<UpstreamAnswer> {
    const isNew = !this.resources.has(uri);
    this.resources.add(uri);
    let isAgreed = false;
    try {
      const { resourceSubscriptions: agreed } = await Promise.race([this.renewed(signal), aborted(signal, ABORTED)]);
      isAgreed = Array.isArray(agreed) && agreed.includes(uri);
      // another subscription to it may have been aborted since
      if (isAgreed) this.resources.add(uri);
    } finally {
      if (isNew && !isAgreed) this.resources.delete(uri);
    }
    return isAgreed
      ? AGREED
      : { ok: false, error: { code: -32602, message: 'the server announces no changes of this resource' } };
  }

  async unsubscribe(uri: string): Promise<UpstreamAnswer> {
    if (this.resources.delete(uri)) await this.renewed();
    return AGREED;
  }

  /** Opens another stream, and ends the one before when this one is acknowledged: no change between them is lost. */
  private renewed(signal?: AbortSignal): Promise<Json> {
    const opened = this.turn.then(() => this.open(signal));
    this.turn = opened.catch(() => undefined);
    return opened;
  }

  private async open(signal?: AbortSignal): Promise<Json> {
    if (signal?.aborted === true) throw new UpstreamGone(ABORTED);
    const before = this.stream;
    const stream = new AbortController();
    const answered = this.connection.request(
      'subscriptions/listen',
      { notifications: { ...this.lists, resourceSubscriptions: [...this.resources] } },
      { signal: stream.signal },
    );
    const agreed = new Promise<Json>((resolve) => (this.acknowledged = resolve));
    const late = AbortSignal.timeout(BOUNDARY_LIMITS.listMs);
    const failed = answered.then((answer) => {
      throw new UpstreamGone(answer.ok ? 'the upstream ended its stream of changes' : answer.error.message);
    });
    const ends = [aborted(late, 'the upstream does not acknowledge'), ...(signal ? [aborted(signal, ABORTED)] : [])];
    const first = await Promise.race([agreed, failed, ...ends]).catch((error: unknown) => {
      stream.abort();
      throw error;
    });
    this.stream = stream;
    before.abort();
    failed.catch(() => this.again(stream));
    return first;
  }

  private again(ended: AbortController): void {
    const isCurrent = (): boolean => this.stream === ended && !ended.signal.aborted;
    if (isCurrent())
      void after(BOUNDARY_LIMITS.retryMs, undefined, { ref: false })
        .then(() => (isCurrent() ? this.renewed() : undefined))
        .catch(() => this.again(ended));
  }
}

const ABORTED = 'the call was aborted';

const aborted = (signal: AbortSignal, why: string): Promise<never> =>
  new Promise((_resolve, reject) => {
    const abort = (): void => reject(new UpstreamGone(why));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
