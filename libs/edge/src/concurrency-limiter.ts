import { Refused } from './refused';

/** Bounds concurrent work, in total and per tenant. */
export class ConcurrencyLimiter {
  private readonly taken = new Map<string, number>();
  private all = 0;

  constructor(
    private readonly max: number,
    private readonly maxPerTenant: number,
    private readonly what: string,
  ) {}

  /**
   * Takes one slot.
   * @returns a function that releases the slot; call it once
   * @throws Refused TOO_MANY if none is free
   */
  take(tenant: string): () => void {
    const ofTenant = this.taken.get(tenant) ?? 0;
    if (this.all >= this.max || ofTenant >= this.maxPerTenant)
      throw new Refused('TOO_MANY', `too many concurrent ${this.what}; try again shortly`);
    this.all += 1;
    this.taken.set(tenant, ofTenant + 1);
    return () => {
      this.all -= 1;
      const left = (this.taken.get(tenant) ?? 1) - 1;
      if (left > 0) this.taken.set(tenant, left);
      else this.taken.delete(tenant); // idle tenants occupy no memory
    };
  }
}
