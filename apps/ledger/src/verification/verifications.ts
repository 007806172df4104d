import { LIMITS } from '@bailiwick/core/limits';
import type { Verified } from './verify';

/** What nobody has asked about for so long after its end is forgotten. */
const FORGET_MS = 60_000;

/**
 * Verifications of one log, by the names that those who want them gave: a long log takes minutes, and no message waits
 * for minutes, so they are asked about until they are over.
 */
export class Verifications {
  private readonly begun = new Map<string, Promise<Verified>>();

  /**
   * Begins one, or asks about the one of that name. What came of it is told once.
   * @returns undefined while it goes on
   * @throws what it throws
   */
  async ask(name: string, begin: () => Promise<Verified>): Promise<Verified | undefined> {
    const verified = this.begun.get(name) ?? this.begin(name, begin());
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), LIMITS.verifyLookMs);
    });
    let isOver = true;
    try {
      const told = await Promise.race([verified, late]);
      isOver = told !== undefined;
      return told;
    } finally {
      clearTimeout(timer);
      if (isOver) this.begun.delete(name); // one that failed, too: who asks again has another begun
    }
  }

  private begin(name: string, verified: Promise<Verified>): Promise<Verified> {
    this.begun.set(name, verified);
    const forget = (): void => void setTimeout(() => this.begun.delete(name), FORGET_MS).unref();
    verified.then(forget, forget);
    return verified;
  }
}
