import { LIMITS } from '@bailiwick/core/limits';
import { QueueFullError } from '@bailiwick/platform/serial-queue';

interface Walk {
  /** @returns true where it is over */
  step(): boolean;
}

/** The state that a walk was over is not the owner's any more: what it counted is of no use. */
export class WalkLost extends Error {}

/**
 * Walks over states that are too long for one turn of the loop: of all walks of a process one piece is done in a turn,
 * and decisions are made before the next. So a walk holds up nothing for longer than a piece takes, whatever else is
 * walked for other tenants.
 */
export class Walks {
  private readonly walks: Walk[] = [];

  constructor(
    private readonly most: number = LIMITS.walksAtOnce,
    private readonly nextTurn: (piece: () => void) => void = setImmediate,
  ) {}

  /**
   * @param isLost asked before each piece
   * @throws QueueFullError where too many are under way, WalkLost, or what a piece throws
   */
  run<T>(pieces: Generator<void, T>, isLost: () => boolean): Promise<T> {
    if (this.walks.length >= this.most)
      return Promise.reject(new QueueFullError('too many counts are under way; try again shortly'));
    return new Promise((resolve, reject) => {
      this.walks.push({
        step: () => {
          try {
            if (isLost()) throw new WalkLost('the state was dropped while it was walked');
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

/** Of this process. */
export const walks = new Walks();
