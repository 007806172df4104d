/** The members of a run that this count depends on. */
interface Child {
  readonly parentRunId: string | undefined;
}

/**
 * Counts the children of each run that have not ended: those that act, are suspended, or wait for their first lease. The
 * count is by run, so a raised lease continues it. Derived from the runs. A child that a revocation rule strikes ends in
 * the log only when its lease expires or is revoked, and counts until then.
 */
export class OpenChildren {
  private readonly counts = new Map<string, number>();

  /** Returns the number of open children of a run. */
  of(runId: string): number {
    return this.counts.get(runId) ?? 0;
  }

  opened({ parentRunId }: Child): void {
    if (parentRunId !== undefined) this.counts.set(parentRunId, this.of(parentRunId) + 1);
  }

  ended({ parentRunId }: Child): void {
    if (parentRunId === undefined) return;
    const left = this.of(parentRunId) - 1;
    if (left > 0) this.counts.set(parentRunId, left);
    else this.counts.delete(parentRunId);
  }
}
