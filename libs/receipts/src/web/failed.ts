/** A check that did not hold, and where: what ends a verification. */
export class Failed extends Error {
  constructor(
    message: string,
    /** of the event that it was found at */
    readonly position?: number,
    /** the claim that it was found in */
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
