import { COUNTERS, type BudgetLimit, type Consumed, type Counter } from '@bailiwick/contracts/grants/grant';
import { amountText, perText } from '../presentation/amounts';
import { listed } from '../presentation/text';
import { verbScopes, type ScopeFacts } from '../state/scopes';
import { addCharge, nothing, SETTLED, windowUsed, type Settled } from '../state/usage';
import type { Usage, Verdict } from './dimension';
import { stepUp } from './verdict';

/** The most caps that one question names. */
const CAPS_NAMED = 4;

/**
 * Asks a person if a cap would be used beyond its share with this charge. It is one objection whatever the caps, so that
 * an approval of this call stays valid while others use more.
 */
export function askVerdict(
  limit: BudgetLimit,
  askAt: number,
  usage: Usage,
  facts: ScopeFacts,
  charge: Consumed,
  now: number,
): Verdict | undefined {
  const beyond = [
    ...beyondShare(askAt, limit, sumOf(usage.committed, usage.reserved), charge, ''),
    ...limit.windows.flatMap((window, i) => {
      const used = windowUsed(usage.windows[i]?.buckets ?? [], window, now);
      return beyondShare(askAt, window, used, charge, ` per ${perText(window)}`);
    }),
    ...verbScopes(limit).flatMap((scope, i) =>
      scope.covers(facts)
        ? beyondShare(askAt, scope.caps, usage.scopes?.[i] ?? nothing(), charge, ` for ${scope.says}`)
        : [],
    ),
  ];
  return beyond.length === 0 ? undefined : askedBeyond(askAt, beyond);
}

/** Asks a person about caps that are used beyond a share. */
export function askedBeyond(askAt: number, beyond: readonly string[]): Verdict {
  const message = `beyond ${shareText(askAt)} of a cap a person is asked, and this would use ${listed(beyond, '', CAPS_NAMED)}`;
  return stepUp('BUDGET_ASK_AT', message, { path: 'budget.askAt', limit: askAt });
}

const sumOf = (a: Consumed, b: Consumed): Consumed => {
  const sum = nothing();
  addCharge(sum, a);
  addCharge(sum, b);
  return sum;
};

type Caps = { readonly [C in Counter]?: number | undefined } & Partial<Pick<Consumed, Settled>>;
/** Returns the caps that a charge takes beyond a share, as text. */
export function beyondShare(askAt: number, caps: Caps, used: Consumed, charge: Consumed, where: string): string[] {
  const counts = COUNTERS.flatMap((counter) => {
    const [most, after] = [caps[counter], used[counter] + charge[counter]];
    const isBeyond = most !== undefined && charge[counter] > 0 && !(after <= askAt * most);
    return isBeyond ? [`${after} of ${most} ${counter}${where}`] : [];
  });
  const amounts = SETTLED.flatMap((kind) =>
    Object.entries(charge[kind] ?? {}).flatMap(([name, value]) => {
      const [most, after] = [capIn(caps[kind], name), (used[kind]?.[name] ?? 0) + value];
      if (most === undefined || after <= askAt * most) return [];
      return [`${amountText[kind](after, name)} of ${amountText[kind](most, name)}${where}`];
    }),
  );
  return [...counts, ...amounts];
}

/** Formats a share: `80%`. */
export const shareText = (share: number): string => `${Number((share * 100).toFixed(2))}%`;

const capIn = (caps: Readonly<Record<string, number>> | undefined, name: string): number | undefined =>
  caps && Object.hasOwn(caps, name) ? caps[name] : undefined;
