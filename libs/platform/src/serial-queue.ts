/** Thrown if too many callers wait for work that runs one at a time, or if the wait took too long. */
export class QueueFullError extends Error {}

/**
 * Runs expensive work one at a time. A few callers may wait for a limited time; any further caller is refused at once
 * and asked to retry.
 */
export class SerialQueue {
  private readonly waiting = new Set<(mine: boolean) => void>();
  private taken = false;

  /**
   * @param what the work in progress, for the error message: "the log is being verified"
   * @param most number of callers that may wait
   * @param waitMs how long each may wait
   */
  constructor(
    private readonly what: string,
    private readonly most: number,
    private readonly waitMs: number,
  ) {}

  /**
   * Runs the work once earlier work has ended.
   * @param gone aborts the wait of a caller that is gone: its place is free at once, and its work is never started
   * @throws QueueFullError if the work is not started, and any error of the work
   */
  async take<T>(work: () => Promise<T>, gone?: AbortSignal): Promise<T> {
    if (this.taken && !(await this.turn(gone)))
      throw new QueueFullError(`${this.what}, and others wait for it; try again shortly`);
    this.taken = true;
    try {
      return await work();
    } finally {
      const [next] = this.waiting;
      if (next)
        next(true); // passed on without ever being free
      else this.taken = false;
    }
  }

  private turn(gone?: AbortSignal): Promise<boolean> {
    if (this.waiting.size >= this.most || gone?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (mine: boolean): void => {
        clearTimeout(timer);
        gone?.removeEventListener('abort', leave);
        this.waiting.delete(end);
        resolve(mine);
      };
      const leave = (): void => end(false);
      const timer = setTimeout(leave, this.waitMs);
      gone?.addEventListener('abort', leave);
      this.waiting.add(end);
    });
  }
}
