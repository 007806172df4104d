import { exceedsDepth, exceedsValues } from '@bailiwick/core/json';
import { isObject, membersOf, shortMember } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { TooManyValues, UpstreamGone, type Message, type RequestOptions, type UpstreamAnswer } from './connection';

interface Waiting {
  readonly options: RequestOptions;
  progress: number;
  resolve(answer: UpstreamAnswer): void;
  reject(error: Error): void;
}

/** The requests of one connection that wait for their answers. */
export class Pending {
  private readonly waiting = new Map<number, Waiting>();
  private next = 1;

  /** Registers a request. @param onAbort cancels it upstream */
  add(options: RequestOptions, onAbort: (id: number) => void): { id: number; answer: Promise<UpstreamAnswer> } {
    const id = this.next++;
    const answer = new Promise<UpstreamAnswer>((resolve, reject) => {
      const abort = (): void => {
        if (!this.waiting.delete(id)) return;
        onAbort(id);
        reject(new UpstreamGone('the call was aborted'));
      };
      const done = (): void => options.signal.removeEventListener('abort', abort);
      this.waiting.set(id, {
        options,
        progress: 0,
        resolve: (value) => (done(), resolve(value)),
        reject: (error) => (done(), reject(error)),
      });
      if (options.signal.aborted) queueMicrotask(abort);
      else options.signal.addEventListener('abort', abort, { once: true });
    });
    return { id, answer };
  }

  /**
   * Takes a message. Only the first answer to a request counts; an unknown or repeated id is dropped.
   * @returns what the message is: `other` is for the caller
   */
  take(text: string, message: Message): 'taken' | 'other' {
    if (message.method === 'notifications/progress') {
      this.progress(message.params ?? {});
      return 'taken';
    }
    if (message.method !== undefined) return 'other';
    const id = typeof message.id === 'number' ? message.id : NaN;
    const waiting = this.waiting.get(id);
    if (!waiting) return 'taken';
    this.waiting.delete(id);
    const answer = message.exceedsValues ? undefined : answerOf(text, message);
    if (message.exceedsValues) waiting.reject(new TooManyValues());
    else if (answer) waiting.resolve(answer);
    else waiting.reject(new UpstreamGone('the upstream sent a malformed answer'));
    return 'taken';
  }

  has(id: number): boolean {
    return this.waiting.has(id);
  }

  fail(id: number, error: Error): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    waiting?.reject(error);
  }

  failAll(error: Error): void {
    for (const id of [...this.waiting.keys()]) this.fail(id, error);
  }

  private progress({ progressToken, ...params }: Record<string, unknown>): void {
    const waiting = this.waiting.get(typeof progressToken === 'number' ? progressToken : NaN);
    if (!waiting || ++waiting.progress > BOUNDARY_LIMITS.progress) return;
    waiting.options.onProgress?.(params);
  }
}

function answerOf(text: string, { error, result }: Message): UpstreamAnswer | undefined {
  if (error === undefined) {
    const raw = membersOf(text)?.get('result');
    return raw !== undefined && typeof result === 'object' && result !== null ? { ok: true, result: raw } : undefined;
  }
  if (!isObject(error)) return undefined;
  const { code, message, data } = error;
  if (typeof code !== 'number' || typeof message !== 'string') return undefined;
  return { ok: false, error: { code, message, ...(data === undefined ? {} : { data }) } };
}

/**
 * Parses a message of an upstream; undefined if it is none. One that is nested too deeply is none: what is written or read
 * again level by level would overflow the stack. Nor is one with too many values, which is not parsed at all: that and all
 * that follows would keep this thread from the calls of every other agent. Of an answer, the id remains, so that its request
 * fails at once.
 */
export function parseMessage(text: string): Message | undefined {
  try {
    if (exceedsValues(text, BOUNDARY_LIMITS.messageValues))
      return shortMember(text, 'method') === undefined
        ? { id: shortMember(text, 'id'), exceedsValues: true }
        : undefined;
    const value = JSON.parse(text) as unknown;
    if (!isObject(value) || value.jsonrpc !== '2.0') return undefined;
    const { method, params } = value;
    if (method !== undefined && typeof method !== 'string') return undefined;
    if (exceedsDepth(text, BOUNDARY_LIMITS.messageDepth)) return method === undefined ? { id: value.id } : undefined;
    return params === undefined || isObject(params) ? value : undefined;
  } catch {
    return undefined;
  }
}
