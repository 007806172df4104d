/** Too many wait for something that is done once at a time, or it took too long until one's turn came. */
export class QueueFullError extends Error {}

/**
 * Work that is so heavy that one at a time is enough: a few may wait for their turn, and not for ever; everybody else
 * is told at once to come back.
 */
export class SerialQueue {
  private readonly waiting = new Set<(mine: boolean) => void>();
  private taken = false;

  /**
   * @param what stands in the refusal: "the log is being verified"
   * @param most may wait at once
   * @param waitMs for so long
   */
  constructor(
    private readonly what: string,
    private readonly most: number,
    private readonly waitMs: number,
  ) {}

  /**
   * Does the work once it is its turn.
   * @param gone whoever waits has gone: their place is another's at once, and their turn never comes
   * @throws QueueFullError where it does not come to that, and whatever the work throws
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
        next(true); // handed on, never free in between
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
