import { LIMITS } from '@bailiwick/core/limits';
import type { Verified } from './verify-log';

/** A finished verification is dropped if no client polls it for this time. */
const FORGET_MS = 60_000;

/**
 * The verifications of one log, by the names that their clients chose. The verification of a long log takes minutes, longer
 * than a request may wait, so clients poll until it has finished.
 */
export class Verifications {
  private readonly running = new Map<string, Promise<Verified>>();

  /**
   * Starts a verification, or polls the one of that name. The result is returned once.
   * @returns undefined while it runs
   * @throws the error of the verification
   */
  async ask(name: string, start: () => Promise<Verified>): Promise<Verified | undefined> {
    const verified = this.running.get(name) ?? this.start(name, start());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), LIMITS.verifyLookMs);
    });
    let isOver = true;
    try {
      const result = await Promise.race([verified, late]);
      isOver = result !== undefined;
      return result;
    } finally {
      clearTimeout(timer);
      if (isOver) this.running.delete(name); // also after a failure: the next request starts a new verification
    }
  }

  private start(name: string, verified: Promise<Verified>): Promise<Verified> {
    this.running.set(name, verified);
    const forget = (): void => void setTimeout(() => this.running.delete(name), FORGET_MS).unref();
    verified.then(forget, forget);
    return verified;
  }
}
