import { DIMENSIONS, type Limits } from '@bailiwick/contracts/grant';

/**
 * One copy of what many nodes say alike: the limits that an orchestrator hands to a thousand agents, their classes,
 * their principal. Values that come from here are never changed. It knows the most recent ones and forgets them all
 * when they become too many; what was shared stays shared.
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

  /** Dimension by dimension: two leases that differ in their time have all else in common. */
  limits(limits: Limits): Limits {
    const own: Record<string, unknown> = {};
    for (const name of DIMENSIONS) own[name] = name === 'time' ? limits[name] : this.of(limits[name]);
    return own as unknown as Limits;
  }
}

const MOST = 10_000;
