import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { BOUNDARY_LIMITS } from '../limits';
import { UpstreamGone, type ClientAnswer } from '../upstream/connection';

/** An answer of a client to a request that was sent to it. */
export interface AnswerMessage {
  readonly id: string | number;
  readonly answer: ClientAnswer;
}

/** The requests that clients were sent and have not answered, by lease and id. */
export class ClientAnswers {
  private readonly waiting = new Map<string, (answer: ClientAnswer) => void>();

  /** Waits for the answer of a client of a run. @throws UpstreamGone if the signal is aborted before */
  wait(claims: TokenClaims, id: string, signal: AbortSignal): Promise<ClientAnswer> {
    const key = keyOf(claims, id);
    if (this.waiting.size >= BOUNDARY_LIMITS.asked || signal.aborted)
      return Promise.reject(new UpstreamGone('the client cannot be asked now'));
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.waiting.delete(key);
        reject(new UpstreamGone('the request to the client was aborted'));
      };
      signal.addEventListener('abort', abort, { once: true });
      this.waiting.set(key, (answer) => {
        this.waiting.delete(key);
        signal.removeEventListener('abort', abort);
        resolve(answer);
      });
    });
  }

  /** Takes an answer. Only the first one of the run that was asked counts; others are dropped. */
  take(claims: TokenClaims, { id, answer }: AnswerMessage): void {
    this.waiting.get(keyOf(claims, String(id)))?.(answer);
  }
}

const keyOf = ({ tenant, grantId }: TokenClaims, id: string): string => JSON.stringify([tenant, grantId, id]);
