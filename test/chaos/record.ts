/** One request that was answered for good, and what it was told first. */
export interface Exchange {
  readonly role: string;
  readonly path: string;
  readonly body: string;
  readonly key: string;
  readonly status: number;
  readonly text: string;
}

/** A cap that more was asked of than it holds: in the end it must be met exactly. */
export interface Met {
  readonly grantId: string;
  readonly counter: 'calls' | 'USD';
  readonly amount: number;
}

/** What the clients saw, for the checks after it. */
export class Record {
  readonly exchanges: Exchange[] = [];
  readonly met: Met[] = [];
  /** trees that are still at work when all is over */
  readonly alive: string[] = [];
  /** what a client itself saw go wrong */
  readonly findings: string[] = [];
  tries = 0;
  abandoned = 0;
  askedAgain = 0;
  /** ms; for information */
  slowest = 0;
  /** the longest time without any answer, ms, by the fault before it; for information */
  readonly silences = new Map<string, number>();
  private fault = 'nothing';
  private lastAnswer = performance.now();

  faulted(what: string): void {
    this.fault = what;
  }

  answered(exchange: Exchange, ms: number): void {
    this.exchanges.push(exchange);
    this.slowest = Math.max(this.slowest, ms);
    const now = performance.now();
    this.silences.set(this.fault, Math.max(this.silences.get(this.fault) ?? 0, now - this.lastAnswer));
    this.lastAnswer = now;
  }
}

/** An answer that stands in the log, so that the same key must be told it for ever: done, or refused by a rule. */
export const isKept = ({ status }: { status: number }): boolean => (status >= 200 && status < 300) || status === 403;
