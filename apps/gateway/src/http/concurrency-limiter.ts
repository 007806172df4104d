import { Refused } from './problem';

/** So many at the same time, and no tenant all of them. */
export class Places {
  private readonly taken = new Map<string, number>();
  private all = 0;

  constructor(
    private readonly most: number,
    private readonly perTenant: number,
    private readonly what: string,
  ) {}

  /**
   * @returns how to give the place back, to be called once
   * @throws Refused TOO_MANY where there is none
   */
  take(tenant: string): () => void {
    const mine = this.taken.get(tenant) ?? 0;
    if (this.all >= this.most || mine >= this.perTenant)
      throw new Refused('TOO_MANY', `too many ${this.what} at the same time; try again shortly`);
    this.all += 1;
    this.taken.set(tenant, mine + 1);
    return () => {
      this.all -= 1;
      const left = (this.taken.get(tenant) ?? 1) - 1;
      if (left > 0) this.taken.set(tenant, left);
      else this.taken.delete(tenant); // a tenant that asks nothing is not remembered
    };
  }
}
