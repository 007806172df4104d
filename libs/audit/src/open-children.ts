/** The auditor's record of the children of each run that have not ended, independent of the fold. */
export class OpenChildren {
  private readonly children = new Map<string, Set<string>>();

  opened(runId: string, parentRunId: string | undefined): void {
    if (parentRunId === undefined) return;
    const known = this.children.get(parentRunId) ?? new Set();
    this.children.set(parentRunId, known.add(runId));
  }

  ended(runId: string | undefined, parentRunId: string | undefined): void {
    if (runId !== undefined && parentRunId !== undefined) this.children.get(parentRunId)?.delete(runId);
  }

  count(parentRunId: string): number {
    return this.children.get(parentRunId)?.size ?? 0;
  }
}
