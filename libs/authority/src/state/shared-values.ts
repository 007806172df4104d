import { DIMENSIONS, type Limits } from '@bailiwick/contracts/grants/grant';

/**
 * Keeps one copy of values that many nodes share: the limits that an orchestrator gives to a thousand agents, their
 * classes, their principal. Never change a value that comes from here. The cache holds recent values and is cleared
 * when it is full; values that are already shared stay shared.
 */
export class Shared {
  private readonly values = new Map<string, unknown>();

  of<T>(value: T): T {
    const key = typeof value === 'string' ? value : JSON.stringify(value);
    const known = this.values.get(key);
    if (known !== undefined && typeof known === typeof value) return known as T;
    if (this.values.size >= MOST) this.values.clear();
    this.values.set(key, value);
    return value;
  }

  /** Shares each dimension separately: two leases that differ in their time have everything else in common. */
  limits(limits: Limits): Limits {
    const own: Record<string, unknown> = {};
    for (const name of DIMENSIONS) {
      const limit = limits[name];
      if (limit !== undefined) own[name] = name === 'time' ? limit : this.of(limit);
    }
    return own as unknown as Limits;
  }
}

const MOST = 10_000;
