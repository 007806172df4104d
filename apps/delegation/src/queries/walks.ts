import { LIMITS } from '@bailiwick/core/limits';
import { QueueFullError } from '@bailiwick/platform/serial-queue';

interface Walk {
  readonly log: string;
  /** @returns true when the walk has ended */
  step(): boolean;
}

/** Thrown if the owner dropped the state during a walk: the count is useless. */
export class WalkLost extends Error {}

/**
 * Runs walks over states that take too long for one turn of the event loop. Each turn runs one piece of one walk in the
 * process, and decisions run between turns. So a walk blocks decisions at most for one piece, regardless of the walks
 * for other tenants. One log has a share of them: the walks of a tenant keep no other one from starting its own.
 */
export class Walks {
  private readonly walks: Walk[] = [];

  constructor(
    private readonly most: number = LIMITS.walksAtOnce,
    private readonly nextTurn: (piece: () => void) => void = setImmediate,
    private readonly mostOfLog: number = LIMITS.walksOfLogAtOnce,
  ) {}

  /**
   * @param log whose state is walked
   * @param isLost called before each piece; reports whether the owner dropped the state
   * @throws QueueFullError if too many walks are running, WalkLost, or the error of a piece
   */
  run<T>(log: string, pieces: Generator<void, T>, isLost: () => boolean): Promise<T> {
    const ofLog = this.walks.filter((each) => each.log === log).length;
    if (this.walks.length >= this.most || ofLog >= this.mostOfLog)
      return Promise.reject(new QueueFullError('too many counts are running; try again shortly'));
    return new Promise((resolve, reject) => {
      this.walks.push({
        log,
        step: () => {
          try {
            if (isLost()) throw new WalkLost('the state was dropped during the walk');
            const piece = pieces.next();
            if (!piece.done) return false;
            resolve(piece.value);
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
          return true;
        },
      });
      if (this.walks.length === 1) this.nextTurn(() => this.piece());
    });
  }

  private piece(): void {
    const walk = this.walks.shift() as Walk;
    if (!walk.step()) this.walks.push(walk);
    if (this.walks.length > 0) this.nextTurn(() => this.piece());
  }
}

/** The walks of this process. */
export const walks = new Walks();
