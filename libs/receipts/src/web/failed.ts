/** Ends a verification: the check that failed, and where. */
export class Failed extends Error {
  constructor(
    message: string,
    /** position of the event that failed the check */
    readonly position?: number,
    /** the claim that failed the check */
    readonly claim?: string,
  ) {
    super(message);
  }
}

export function need(holds: false, why: string, position?: number, claim?: string): never;
export function need(holds: boolean, why: string, position?: number, claim?: string): asserts holds;
export function need(holds: boolean, why: string, position?: number, claim?: string): void {
  if (!holds) throw new Failed(why, position, claim);
}
