import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { UpstreamGone, type ClientAnswer } from '../upstream/connection';

/** An answer of a client to a request that was sent to it. */
export interface AnswerMessage {
  readonly id: string | number;
  readonly answer: ClientAnswer;
}

/** The requests that clients were sent and have not answered, by lease and id. */
export class ClientAnswers {
  private readonly waiting = new Map<string, (answer: ClientAnswer) => void>();
  /** how many of each tenant, and of each lease */
  private readonly counts = new Map<string, number>();

  /** Waits for the answer of a client of a run. @throws UpstreamGone if the signal is aborted before */
  wait(claims: TokenClaims, id: string, signal: AbortSignal): Promise<ClientAnswer> {
    const key = keyOf(claims, id);
    const { tenant } = claims;
    const lease = keyOf(claims, '');
    const isFull =
      this.waiting.size >= BOUNDARY_LIMITS.asked ||
      this.countOf(tenant) >= BOUNDARY_LIMITS.askedPerTenant ||
      this.countOf(lease) >= BOUNDARY_LIMITS.askedPerLease;
    if (isFull || signal.aborted) return Promise.reject(new UpstreamGone('the client cannot be asked now'));
    for (const each of [tenant, lease]) this.counts.set(each, this.countOf(each) + 1);
    const asked = new Promise<ClientAnswer>((resolve, reject) => {
      const abort = (): void => reject(new UpstreamGone('the request to the client was aborted'));
      signal.addEventListener('abort', abort, { once: true });
      this.waiting.set(key, (answer) => {
        signal.removeEventListener('abort', abort);
        resolve(answer);
      });
    });
    return asked.finally(() => {
      this.waiting.delete(key);
      for (const each of [tenant, lease]) {
        const left = this.countOf(each) - 1;
        if (left > 0) this.counts.set(each, left);
        else this.counts.delete(each);
      }
    });
  }

  private countOf(whose: string): number {
    return this.counts.get(whose) ?? 0;
  }

  /** Takes an answer. Only the first one of the run that was asked counts; others are dropped. */
  take(claims: TokenClaims, { id, answer }: AnswerMessage): void {
    this.waiting.get(keyOf(claims, String(id)))?.(answer);
  }
}

const keyOf = ({ tenant, grantId }: TokenClaims, id: string): string => JSON.stringify([tenant, grantId, id]);
