import { BaseRpcContext, Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';
import type { Headers } from './codec';
import type { Bus, BusEvent, BusState } from '../connect';
import { HandlerError } from '../failure';
import type { Request, Serving } from './serve';

/** Identifies the bus among Nest's transports in `@MessagePattern(subject, BUS_TRANSPORT)`. */
export const BUS_TRANSPORT = Symbol('bailiwick-bus');

/** The context that a handler gets with `@Ctx()`: the subject and the headers of its request. */
export class BusContext extends BaseRpcContext<[Request]> {
  getSubject(): string {
    return this.args[0].subject;
  }

  /** Names in lower case. */
  getHeaders(): Headers {
    return this.args[0].headers;
  }
}

export interface BusServerOptions {
  bus: Bus;
  /** instances of one service share its requests under this name, unless a handler's extras name another */
  queue?: string;
  /** per subject; a handler's extras may override it */
  maxPending?: number;
}

type Listeners = { event: (event: BusEvent) => void };

/**
 * Nest's transport over the bus: `@MessagePattern('bailiwick.ledger.grant', { queue, maxPending })` answers the
 * requests of that subject. The return value of a handler, or the last value of its observable, is the reply; an
 * `RpcException({ code, detail })` is answered with that code, any other exception without its text.
 *
 * `@EventPattern` is refused: follow events with `followLog`, which neither loses nor repeats them.
 */
export class BusServer extends Server<Listeners, BusState> implements CustomTransportStrategy {
  override readonly transportId = BUS_TRANSPORT;
  private readonly servings: Serving[] = [];
  private readonly unlisten: (() => void)[] = [];

  constructor(private readonly options: BusServerOptions) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    try {
      for (const [subject, handler] of this.messageHandlers) this.servings.push(this.serve(subject, handler));
    } catch (error) {
      return callback(error);
    }
    const { bus } = this.options;
    this._status$.next(bus.status().state);
    this.on('event', (event) => {
      if (event.type === 'error') this.logger.error(event.detail);
      else this._status$.next(event.type);
    });
    callback();
  }

  /** Accepts no more requests and answers the accepted ones; the bus stays open for its owner to drain. */
  async close(): Promise<void> {
    for (const unlisten of this.unlisten.splice(0)) unlisten();
    await Promise.all(this.servings.splice(0).map((serving) => serving.stop()));
  }

  on<K extends keyof Listeners>(_event: K, callback: Listeners[K]): void {
    this.unlisten.push(this.options.bus.onEvent(callback));
  }

  unwrap<T = Bus>(): T {
    return this.options.bus as T;
  }

  private serve(subject: string, handler: MessageHandler): Serving {
    if (handler.isEventHandler)
      throw new Error(`@EventPattern(${subject}) cannot be served: follow the log with followLog`);
    const { queue = this.options.queue, maxPending = this.options.maxPending } = (handler.extras ??
      {}) as BusServerOptions;
    return this.options.bus.serve(
      subject,
      (payload, request) => this.answer(handler, payload, new BusContext([request])),
      {
        queue,
        maxPending,
        onError: (error, on) =>
          void this.logger.error(error instanceof Error ? (error.stack ?? error.message) : error, on),
      },
    );
  }

  private async answer(handler: MessageHandler, payload: unknown, context: BusContext): Promise<unknown> {
    let reply: unknown;
    // eslint-disable-next-line @typescript-eslint/await-thenable -- the hook returns what the callback returns
    await this.onProcessingStartHook(BUS_TRANSPORT, context, async () => {
      try {
        const stream = this.transformToObservable(await handler(payload, context));
        reply = await lastValueFrom(stream, { defaultValue: undefined });
      } catch (error) {
        throw toHandlerError(error);
      } finally {
        this.onProcessingEndHook?.(BUS_TRANSPORT, context);
      }
    });
    return reply;
  }
}

/**
 * Converts the plain object that Nest's exception filter made of an exception; the filter has logged unexpected ones.
 */
function toHandlerError(error: unknown): unknown {
  const thrown = error as { code?: unknown; detail?: unknown; status?: unknown } | undefined;
  if (typeof thrown?.code === 'string' && typeof thrown.detail === 'string')
    return new HandlerError(thrown.code, thrown.detail);
  if (thrown?.status === 'error')
    return new HandlerError('INTERNAL', 'the service failed on this request; see its log for the reason');
  return error;
}
