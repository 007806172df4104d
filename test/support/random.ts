/** Generates pseudo-random numbers; the same seed gives the same sequence. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Returns 0 ≤ x < 1. @see mulberry32 */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = this.state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns an integer between both bounds, inclusive. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error('cannot pick from an empty list');
    return from[this.between(0, from.length - 1)] as T;
  }

  /** Returns one of the keys, each with a probability proportional to its weight. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const all = Object.entries(weights) as [K, number][];
    let left = this.next() * all.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [key, weight] of all) {
      left -= weight;
      if (left < 0) return key;
    }
    return (all[all.length - 1] as [K, number])[0];
  }

  shuffled<T>(list: readonly T[]): T[] {
    const all = [...list];
    for (let i = all.length - 1; i > 0; i--) {
      const j = this.between(0, i);
      [all[i], all[j]] = [all[j] as T, all[i] as T];
    }
    return all;
  }

  /** Returns a generator for a separate sequence, which is the same for the same name. */
  fork(name: number): Random {
    return new Random(Math.imul(this.state ^ 0x9e3779b9, 2 * name + 1) + name);
  }
}
