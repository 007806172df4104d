import {
  createInbox,
  ErrorCode,
  headers as newHeaders,
  NatsError,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from 'nats';

/**
 * An answer may come in several messages: each but the last has this header. So what is ready goes at once, and does not
 * wait for the slowest answer of its message.
 */
const PART = 'Bailiwick-Part';

export const isPart = (msg: Msg): boolean => msg.headers?.has(PART) ?? false;

export function partHeaders(): MsgHdrs {
  const headers = newHeaders();
  headers.set(PART, 'more');
  return headers;
}

/** NATS's status of a request that no client is subscribed to. */
const NO_RESPONDERS = 503;

/** Requests whose answers may come in parts, over one inbox: the client's own requests end with the first message. */
export class PartRequests {
  private readonly inbox: string;
  private readonly open = new Map<string, (msg: Msg) => void>();
  private sent = 0;

  constructor(
    private readonly nats: NatsConnection,
    prefix: string | undefined,
  ) {
    this.inbox = createInbox(prefix);
    nats.subscribe(`${this.inbox}.*`, {
      callback: (error, msg) => {
        if (!error) this.open.get(msg.subject)?.(msg);
      },
    });
  }

  /** @returns the last message. @throws NatsError where it does not come */
  request(
    subject: string,
    data: Uint8Array,
    options: { timeout: number; headers?: MsgHdrs | undefined },
    onPart: (msg: Msg) => void,
  ): Promise<Msg> {
    const reply = `${this.inbox}.${this.sent++}`;
    return new Promise<Msg>((resolve, reject) => {
      const timer = setTimeout(() => reject(new NatsError('timeout', ErrorCode.Timeout)), options.timeout);
      this.open.set(reply, (msg) => {
        if (isPart(msg)) return onPart(msg);
        clearTimeout(timer);
        if (msg.data.length === 0 && msg.headers?.code === NO_RESPONDERS)
          reject(new NatsError('no responders', ErrorCode.NoResponders));
        else resolve(msg);
      });
      try {
        this.nats.publish(subject, data, { reply, ...(options.headers && { headers: options.headers }) });
      } catch (error) {
        clearTimeout(timer);
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    }).finally(() => this.open.delete(reply));
  }
}
