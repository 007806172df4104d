import type { DecisionGroup, Difference } from '@bailiwick/contracts/replay/replay';
import type { Reason } from '@bailiwick/contracts/reason';
import { LIMITS } from '@bailiwick/core/limits';
import { leaves } from '../presentation/leaves';

/** The groups that are counted; the largest of them are shown. */
const COUNTED = 10_000;

/** Decisions that differ, grouped by verb, decision before and after, and the code of the reason. */
export class DecisionGroups {
  private readonly groups = new Map<string, Mutable>();

  count({ verb, before, after, actionId, why }: Extract<Difference, { about: 'action' }>): void {
    // the code of the decision that restricts: why it would be denied, or why it was
    const code = codeOf(after.reasons) ?? codeOf(before.reasons);
    const key = JSON.stringify([verb, before.decision, after.decision, code ?? null]);
    const own = this.groups.get(key);
    if (own) own.count += 1;
    else if (this.groups.size < COUNTED)
      this.groups.set(key, {
        verb,
        before: before.decision,
        after: after.decision,
        ...(code === undefined ? {} : { code }),
        says: why ?? textOf(after.reasons) ?? textOf(before.reasons) ?? '',
        count: 1,
        example: actionId,
      });
  }

  /** Returns the largest groups, largest first. */
  most(): DecisionGroup[] {
    return [...this.groups.values()].sort((a, b) => b.count - a.count).slice(0, LIMITS.replayGroups);
  }
}

type Mutable = { -readonly [K in keyof DecisionGroup]: DecisionGroup[K] };

const RANK = { permit: 0, 'step-up': 1, deny: 2 } as const;
const strictestOf = (reasons: readonly Reason[]): Reason | undefined =>
  leaves(reasons)
    .filter(({ outcome }) => outcome !== 'permit')
    .reduce<Reason | undefined>(
      (best, each) => (best === undefined || RANK[each.outcome] > RANK[best.outcome] ? each : best),
      undefined,
    );
const codeOf = (reasons: readonly Reason[]): string | undefined => strictestOf(reasons)?.code;
const textOf = (reasons: readonly Reason[]): string | undefined => strictestOf(reasons)?.message;
