import type { IncomingMessage } from 'node:http';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { Refused } from './problem';

interface Bounds {
  readonly bytes: number;
  readonly bytesPerTenant: number;
  readonly bytesPerSender: number;
  /** from the head of a request until all of its body is there */
  readonly ms: number;
}
const BOUNDS: Bounds = {
  bytes: LIMITS.httpArrivingBytes,
  bytesPerTenant: LIMITS.httpArrivingBytesPerTenant,
  bytesPerSender: LIMITS.httpArrivingBytesPerSender,
  ms: LIMITS.httpBodyMs,
};

/**
 * Bodies that are not all there yet, of senders that are known: so many bytes of one sender, of one tenant, and of all,
 * for so long. A body counts with all that its head announces, since that is what it may come to hold; one of no stated
 * length counts as the longest.
 */
export class IncomingBodies {
  private readonly held = new Map<string, number>();
  /** in the order in which they began, so that the first is due first */
  private readonly begun = new Map<IncomingMessage, number>();
  private readonly sweep: NodeJS.Timeout;

  constructor(private readonly bounds: Bounds = BOUNDS) {
    this.sweep = setInterval(() => this.giveUp(), Math.min(1_000, bounds.ms)).unref();
  }

  /** @throws Refused TOO_MANY where the body finds no room; nothing of it has been read */
  expect({ tenant, actor }: Caller, request: IncomingMessage): void {
    const bytes = bytesOf(request);
    if (bytes === 0) return;
    const { bounds } = this;
    const counts: [string, number][] = [
      ['all', bounds.bytes],
      [`tenant ${tenant}`, bounds.bytesPerTenant],
      [`sender ${tenant} ${actor.id}`, bounds.bytesPerSender],
    ];
    if (counts.some(([of, most]) => (this.held.get(of) ?? 0) + bytes > most))
      throw new Refused(
        'TOO_MANY',
        'too many bytes of bodies that are not complete; complete the bodies that are under way, and try again',
      );
    for (const [of] of counts) this.add(of, bytes);
    this.begun.set(request, performance.now());
    const done = (): void => {
      if (this.begun.delete(request)) for (const [of] of counts) this.add(of, -bytes);
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
      this.held.delete(of); // who sends nothing is not remembered
    else this.held.set(of, sum);
  }

  private giveUp(): void {
    const due = performance.now() - this.bounds.ms;
    for (const [{ socket }, since] of this.begun) {
      if (since > due) return;
      // as Node answers a request that takes too long
      socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n', () => socket.destroy());
    }
  }
}

function bytesOf({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return LIMITS.httpBodyBytes;
  // a longer one is refused by its head
  return Math.min(Number(headers['content-length'] ?? 0), LIMITS.httpBodyBytes);
}
