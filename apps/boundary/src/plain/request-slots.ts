import type { IncomingMessage } from 'node:http';
import { LIMITS } from '@bailiwick/core/limits';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { IncomingBodies } from '@bailiwick/edge/incoming-bodies';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';

/** The sender of a request, whose token has been checked. */
type Sender = Pick<TokenClaims, 'tenant' | 'grantId'>;

/**
 * The slots of requests in flight, and the memory for bodies that arrive. A tenant has at most half of the slots, so that
 * it cannot lock out the others.
 */
export class RequestSlots {
  private readonly requests = new ConcurrencyLimiter(LIMITS.httpRequests, LIMITS.httpRequests / 2, 'requests');
  private readonly bodies = new IncomingBodies();

  /**
   * Takes the place of a request, before its body is read.
   * @param most the bytes that are read of it
   * @returns what gives the place back; further calls do nothing
   * @throws Refused TOO_MANY
   */
  take({ tenant, grantId }: Sender, request: IncomingMessage, most: number): () => void {
    const release = this.requests.take(tenant);
    let isOver = false;
    const leave = (): void => {
      if (!isOver) release();
      isOver = true;
    };
    try {
      this.bodies.expect({ tenant, actor: { id: grantId } }, request, most);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }
}
