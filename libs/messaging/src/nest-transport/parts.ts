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
 * Marks each message of a reply in several messages except the last. Answers that are ready are sent at once, and do
 * not wait for the slowest answer of their message.
 */
const PART = 'Bailiwick-Part';

const isPart = (msg: Msg): boolean => msg.headers?.has(PART) ?? false;

export function partHeaders(): MsgHdrs {
  const headers = newHeaders();
  headers.set(PART, 'more');
  return headers;
}

/** The NATS status of a request to a subject without subscribers. */
const NO_RESPONDERS = 503;

/** Sends requests whose replies may come in parts, over one inbox; the NATS client's own requests end at the first. */
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

  /** @returns the last message. @throws NatsError if it does not arrive */
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
