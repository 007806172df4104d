import { eachPart, type StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { LIMITS } from '@bailiwick/core/limits';
import { isNear } from '@bailiwick/core/near-name';

/**
 * Finds the classes whose names could be meant by those that a selector names: other spellings that it matches, and names
 * near to them that it does not match.
 */
export class NearClasses {
  private readonly seen = new Map<string, { near: boolean; selected: number; spared: number }>();
  private readonly wanted = new Set<string>();

  constructor(selector: StoredSelector) {
    eachPart(selector, ({ agentClass }) => {
      if (agentClass !== undefined) this.wanted.add(agentClass);
    });
  }

  /** whether the selector names a class at all */
  get isAsked(): boolean {
    return this.wanted.size > 0;
  }

  /** Counts a lease that could still act. Classes beyond a limit are ignored. */
  add(agentClass: string, isSelected: boolean): void {
    if (this.wanted.has(agentClass)) return;
    let known = this.seen.get(agentClass);
    if (!known) {
      if (this.seen.size >= LIMITS.previewGroups) return;
      known = { near: false, selected: 0, spared: 0 };
      this.seen.set(agentClass, known);
      for (const name of this.wanted) known.near ||= isNear(name, agentClass);
    }
    if (isSelected) known.selected += 1;
    else if (known.near) known.spared += 1;
  }

  /** Lists them with the numbers of their leases, those that would not be stopped first. */
  get list(): { agentClass: string; selected: number; spared: number }[] {
    return [...this.seen]
      .filter(([, { near, selected, spared }]) => near && selected + spared > 0)
      .map(([agentClass, { selected, spared }]) => ({ agentClass, selected, spared }))
      .sort((a, b) => b.spared - a.spared)
      .slice(0, LIMITS.previewTop);
  }
}
