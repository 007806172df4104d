import type { Clock, Timer } from '@bailiwick/core/clock';
import type { Weather } from './weather';
import type { World } from './world';

/**
 * Something that runs, and can be stopped or killed between any two steps: it goes on only by what comes in through
 * `enter`. What a dead one was about to do it never does; what it had asked of others may still happen.
 */
export class Process {
  alive = true;
  private stopped = false;
  private held: (() => void)[] = [];
  /** how far its clock is off, ms */
  skew = 0;
  /** for so long its machine was suspended: its monotonic clock stood still, and its wall clock did not */
  suspended = 0;
  readonly clock: Clock = { now: () => this.world.wall() + this.skew };
  /** One that is cancelled acts no more, also where it was due while the process stood still. */
  readonly timer: Timer = (ms, act) => {
    let isCancelled = false;
    const cancel = this.world.after(ms, () => this.enter(() => isCancelled || act()));
    return () => {
      isCancelled = true;
      cancel();
    };
  };
  private readonly mourners: (() => void)[] = [];

  constructor(
    readonly world: World,
    readonly weather: Weather,
    readonly name: string,
  ) {}

  /** Something comes in from outside: at once, when it runs again, or never. */
  enter(act: () => void): void {
    if (!this.alive) return;
    if (this.stopped) this.held.push(act);
    else act();
  }

  onDeath(act: () => void): void {
    this.mourners.push(act);
  }

  kill(why: string): void {
    if (!this.alive) return;
    this.alive = false;
    this.held = [];
    this.world.note(`${this.name} dies ${why}`);
    for (const act of this.mourners) act();
  }

  /**
   * It stands still, as a stopped process does; what comes in waits for it.
   * @param asleep its whole machine does
   */
  stop(ms: number, asleep = false): void {
    if (!this.alive || this.stopped) return;
    this.stopped = true;
    if (asleep) this.suspended += ms;
    this.world.note(`${this.name} stands still for ${ms} ms${asleep ? ', with its machine' : ''}`);
    this.world.after(ms, () => this.goOn());
  }

  private goOn(): void {
    if (!this.alive) return;
    this.world.note(`${this.name} goes on`);
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

  /** A call of something outside. The process may die before it leaves, or before it hears what came of it. */
  call<T>(what: string, effect: () => Promise<T>): Promise<T> {
    const { world } = this;
    return new Promise((resolve, reject) => {
      if (!this.alive || this.isStruck(`before ${what}`)) return;
      world.after(this.latency(), () => {
        const heard = (tell: () => void): void => {
          if (!this.isStruck(`after ${what}`)) world.after(this.latency(), () => this.enter(tell));
        };
        effect().then(
          (value) => heard(() => resolve(value)),
          (error: unknown) => heard(() => reject(error instanceof Error ? error : new Error(String(error)))),
        );
      });
    });
  }

  /** Dies here, if chance wants it. */
  isStruck(where: string): boolean {
    if (this.world.calm || !this.world.random.chance(this.weather.crash)) return false;
    this.world.count(`died ${where}`);
    this.kill(where);
    return true;
  }

  private latency(): number {
    const { world, weather } = this;
    if (!world.calm && world.random.chance(weather.slow)) return world.random.between(500, 6_000);
    return world.random.between(0, 8);
  }
}
