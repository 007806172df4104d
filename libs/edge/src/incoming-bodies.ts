import type { IncomingMessage } from 'node:http';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from './refused';

/** The sender of a request, as far as bodies are counted by it. */
interface Sender {
  readonly tenant: string;
  readonly actor: { readonly id: string };
}

interface Bounds {
  readonly bytes: number;
  readonly bytesPerTenant: number;
  readonly bytesPerSender: number;
  /** from the head of a request to the end of its body */
  readonly ms: number;
}
const BOUNDS: Bounds = {
  bytes: LIMITS.httpArrivingBytes,
  bytesPerTenant: LIMITS.httpArrivingBytesPerTenant,
  bytesPerSender: LIMITS.httpArrivingBytesPerSender,
  ms: LIMITS.httpBodyMs,
};

/**
 * Bounds the incomplete bodies of authenticated senders: their bytes per sender, per tenant and in total, and their time.
 * A body counts with the length that its head announces, since it may occupy that much memory. A body of unknown length
 * counts with the maximum.
 */
export class IncomingBodies {
  private readonly held = new Map<string, number>();
  /** in order of their start, so that the first one expires first */
  private readonly started = new Map<IncomingMessage, number>();
  private readonly sweep: NodeJS.Timeout;

  constructor(private readonly bounds: Bounds = BOUNDS) {
    this.sweep = setInterval(() => this.giveUp(), Math.min(1_000, bounds.ms)).unref();
  }

  /**
   * Reserves memory for a body before it is read.
   * @param most the bytes that its endpoint reads
   * @throws Refused TOO_MANY if the memory is used up
   */
  expect({ tenant, actor }: Sender, request: IncomingMessage, most: number = LIMITS.httpBodyBytes): void {
    const bytes = bytesOf(request, most);
    // the client may leave while its sender is identified: neither event below would then release what is held
    if (bytes === 0 || hasLeft(request)) return;
    const { bounds } = this;
    const counts: [string, number][] = [
      ['all', bounds.bytes],
      [`tenant ${tenant}`, bounds.bytesPerTenant],
      [`sender ${tenant} ${tenant === '' ? addressOf(request) : actor.id}`, bounds.bytesPerSender],
    ];
    if (counts.some(([of, most]) => (this.held.get(of) ?? 0) + bytes > most))
      throw new Refused(
        'TOO_MANY',
        'too many bytes of incomplete request bodies; complete the pending requests and try again',
      );
    for (const [of] of counts) this.add(of, bytes);
    this.started.set(request, performance.now());
    const done = (): void => {
      if (this.started.delete(request)) for (const [of] of counts) this.add(of, -bytes);
    };
    request.once('end', done);
    request.once('close', done);
  }

  stop(): void {
    clearInterval(this.sweep);
  }

  private add(of: string, bytes: number): void {
    const sum = (this.held.get(of) ?? 0) + bytes;
    if (sum === 0)
      this.held.delete(of); // idle senders occupy no memory
    else this.held.set(of, sum);
  }

  private giveUp(): void {
    const due = performance.now() - this.bounds.ms;
    for (const [{ socket }, since] of this.started) {
      if (since > due) return;
      // the response of Node to a request that takes too long
      socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n', () => socket.destroy());
    }
  }
}

const hasLeft = ({ destroyed, socket }: IncomingMessage): boolean => destroyed || socket.destroyed;

/** Senders that an endpoint authenticates later, by its body, are apart by their addresses. */
const addressOf = ({ socket }: IncomingMessage): string => socket.remoteAddress ?? '';

function bytesOf({ headers }: IncomingMessage, most: number): number {
  if (headers['transfer-encoding'] !== undefined) return most;
  // a longer body is refused before it is read
  return Math.min(Number(headers['content-length'] ?? 0), most);
}
