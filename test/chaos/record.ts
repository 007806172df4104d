/** One request with its first final response. */
export interface Exchange {
  readonly role: string;
  readonly path: string;
  readonly body: string;
  readonly key: string;
  readonly status: number;
  readonly text: string;
}

/** A cap with more requests than it allows: at the end it must be used up exactly. */
export interface ExhaustedCap {
  readonly grantId: string;
  readonly counter: 'calls' | 'USD';
  readonly amount: number;
}

/** Collects the clients' observations for the checks that follow. */
export class Record {
  readonly exchanges: Exchange[] = [];
  readonly met: ExhaustedCap[] = [];
  /** grants whose trees are still active at the end */
  readonly alive: string[] = [];
  /** violations that a client observed */
  readonly findings: string[] = [];
  tries = 0;
  aborted = 0;
  repeated = 0;
  /** ms; informational */
  slowest = 0;
  /** preceding fault → longest time without any response, ms; informational */
  readonly silences = new Map<string, number>();
  private fault = 'nothing';
  private lastAnswer = performance.now();

  setFault(description: string): void {
    this.fault = description;
  }

  answered(exchange: Exchange, ms: number): void {
    this.exchanges.push(exchange);
    this.slowest = Math.max(this.slowest, ms);
    const now = performance.now();
    this.silences.set(this.fault, Math.max(this.silences.get(this.fault) ?? 0, now - this.lastAnswer));
    this.lastAnswer = now;
  }
}

/** Reports whether a response is recorded in the log (success or refusal by a rule), so that its key always returns it. */
export const isKept = ({ status }: { status: number }): boolean => (status >= 200 && status < 300) || status === 403;
