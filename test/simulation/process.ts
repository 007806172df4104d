import type { Clock, Timer } from '@bailiwick/core/clock';
import type { FaultRates } from './fault-rates';
import type { World } from './world';

/**
 * A process that can be stopped or killed between any two steps; it only runs actions that arrive through `enter`. After
 * its death its own pending actions never run, but calls that it has sent may still take effect.
 */
export class Process {
  alive = true;
  private stopped = false;
  private held: (() => void)[] = [];
  /** offset of its wall clock, ms */
  skew = 0;
  /** ms for which its machine was suspended, which stops the monotonic clock but not the wall clock */
  suspended = 0;
  readonly clock: Clock = { now: () => this.world.wall() + this.skew };
  /** A cancelled timer never fires, even if it was due while the process was stopped. */
  readonly timer: Timer = (ms, act) => {
    let isCancelled = false;
    const cancel = this.world.after(ms, () => this.enter(() => isCancelled || act()));
    return () => {
      isCancelled = true;
      cancel();
    };
  };
  private readonly onDeathActions: (() => void)[] = [];

  constructor(
    readonly world: World,
    readonly faultRates: FaultRates,
    readonly name: string,
  ) {}

  /** Runs an action from outside: now, after a stop, or never if the process is dead. */
  enter(act: () => void): void {
    if (!this.alive) return;
    if (this.stopped) this.held.push(act);
    else act();
  }

  onDeath(act: () => void): void {
    this.onDeathActions.push(act);
  }

  kill(why: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.held = [];
    this.world.note(`${this.name} dies ${why}`);
    for (const act of this.onDeathActions) act();
  }

  /**
   * Stops the process for a while, as SIGSTOP does; incoming actions wait until it continues.
   * @param asleep suspends its whole machine
   */
  stop(ms: number, asleep = false): void {
    if (!this.alive || this.stopped) return;
    this.stopped = true;
    if (asleep) this.suspended += ms;
    this.world.note(`${this.name} stops for ${ms} ms${asleep ? ' with its machine' : ''}`);
    this.world.after(ms, () => this.resume());
  }

  private resume(): void {
    if (!this.alive) return;
    this.world.note(`${this.name} continues`);
    const next = (): void => {
      const act = this.held.shift();
      if (!this.alive) return;
      if (!act) {
        this.stopped = false;
        return;
      }
      act();
      this.world.after(0, next);
    };
    next();
  }

  /** Calls another component. The process may die before the call leaves or before its result arrives. */
  call<T>(what: string, effect: () => Promise<T>): Promise<T> {
    const { world } = this;
    return new Promise((resolve, reject) => {
      if (!this.alive || this.diesHere(`before ${what}`)) return;
      world.after(this.latency(), () => {
        const deliver = (settle: () => void): void => {
          if (!this.diesHere(`after ${what}`)) world.after(this.latency(), () => this.enter(settle));
        };
        effect().then(
          (value) => deliver(() => resolve(value)),
          (error: unknown) => deliver(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
      });
    });
  }

  /** Kills the process at this point with the configured probability. */
  diesHere(where: string): boolean {
    if (this.world.calm || !this.world.random.chance(this.faultRates.crash)) return false;
    this.world.count(`died ${where}`);
    this.kill(where);
    return true;
  }

  private latency(): number {
    const { world, faultRates } = this;
    if (!world.calm && world.random.chance(faultRates.slow)) return world.random.between(500, 6_000);
    return world.random.between(0, 8);
  }
}
