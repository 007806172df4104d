import { LRUCache } from 'lru-cache';

const MILLION = 1_000_000;

/**
 * Rounds the prices of calls to whole minor units so that the sum of a lease is its real price, rounded up. The part of a
 * unit that was charged in advance is kept for the next call of the lease; a process that forgets it charges too much by
 * less than one unit, never too little.
 */
export class Fractions {
  private readonly inAdvance = new LRUCache<string, number>({ max: 10_000 });

  /** Returns the minor units to charge. @param price in millionths */
  charge(lease: string, price: number): number {
    const known = this.inAdvance.get(lease) ?? 0;
    const units = Math.max(0, Math.ceil((price - known) / MILLION));
    this.inAdvance.set(lease, known + units * MILLION - price);
    return units;
  }

  /** Returns the most minor units that a call of this price can be charged. */
  static most(price: number): number {
    return Math.ceil(price / MILLION);
  }
}
