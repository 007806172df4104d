/** An action whose result has values that the arguments of another have. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  /** the number of different values */
  readonly values: number;
}

/**
 * Follows values from results into arguments, by marks that are equal for equal values. A value belongs to the action
 * whose result had it first. One that arguments had before any result came from the agent, or from its task: what a
 * result repeats of it flows from nowhere.
 */
export class ValueFlow {
  /** value → the action whose result had it first; undefined if arguments had it before */
  private readonly origins = new Map<string, string | undefined>();
  private readonly flows = new Map<string, { from: string; to: string; values: number }>();

  /** The arguments of an action have these values. */
  used(actionId: string, values: readonly string[]): void {
    for (const value of new Set(values)) {
      const from = this.origins.get(value);
      if (from !== undefined && from !== actionId) this.add(from, actionId);
      if (!this.origins.has(value)) this.origins.set(value, undefined);
    }
  }

  /** The result of an action has these values. */
  returned(actionId: string, values: readonly string[]): void {
    for (const value of values) if (!this.origins.has(value)) this.origins.set(value, actionId);
  }

  edges(): Flow[] {
    return [...this.flows.values()];
  }

  private add(from: string, to: string): void {
    const key = `${from} ${to}`;
    const flow = this.flows.get(key) ?? { from, to, values: 0 };
    flow.values += 1;
    this.flows.set(key, flow);
  }
}
