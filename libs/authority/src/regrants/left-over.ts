import { COUNTERS, type GrantRequest, type Limits, type Permission } from '@bailiwick/contracts/grants/grant';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { scopesOf } from '../state/scopes';
import type { GrantNode } from '../state/state';
import { remainingOf, windowUsed, type Mutable } from '../state/usage';

/**
 * Returns the limits that were left: caps without what was used or is still reserved, of the whole lease, of its windows
 * as of now, of its verbs and of its entries. It is not renewable.
 * @param until the end that a person states; default: that of the old lease
 */
export function leftOver({ limits, usage, children }: GrantNode, now: number, until?: string): Limits {
  const { time, budget, permissions, delegation } = limits;
  const { reserve: _reserve, ...caps } = budget;
  const windows = budget.windows.map((window, i) => {
    const used = windowUsed(usage.windows[i]?.buckets ?? [], window, now);
    const counts = COUNTERS.flatMap((each) => {
      const cap = window[each];
      return cap === undefined ? [] : [[each, Math.max(0, cap - used[each])]];
    });
    return { ...window, ...(Object.fromEntries(counts) as object), ...amountsLeft(window, used) };
  });
  const scopes = scopesOf(limits);
  const usedIn = (path: (at: number) => boolean): Mutable | undefined =>
    usage.scopes?.[scopes.findIndex((_, i) => path(i))];
  const verbs = budget.perVerb?.length ?? 0;
  const perVerb = budget.perVerb?.map((entry, at) => ({
    ...entry,
    ...partLeft(
      entry,
      usedIn((i) => i === at),
    ),
  }));
  const entries = permissions?.map((entry, at): Permission => {
    const used = usedIn((i) => i >= verbs && scopes[i]?.entry === at);
    return { ...entry, ...partLeft(entry, used) };
  });
  const left = remainingOf([{ usage, limits }]);
  const parts = [...budget.windows, ...(budget.perVerb ?? [])];
  const partsLeft = [...windows, ...(perVerb ?? [])];
  const { notBefore, expiresAt, endsOn } = time;
  return {
    ...limits,
    time: {
      notBefore: (parseTime(notBefore) ?? 0) > now ? notBefore : rfc3339(now),
      expiresAt: until ?? expiresAt,
      ...(endsOn === undefined ? {} : { endsOn }),
    },
    budget: {
      ...caps,
      ...left,
      windows,
      ...(perVerb === undefined ? {} : { perVerb }),
      ...(budget.askAt === undefined
        ? {}
        : { askAt: shareLeft(budget.askAt, [budget, ...parts], [left, ...partsLeft]) }),
    },
    ...(entries === undefined ? {} : { permissions: entries }),
    delegation: { ...delegation, children: Math.max(0, delegation.children - children) },
  };
}

type Caps = { readonly [C in (typeof COUNTERS)[number]]?: number | undefined } & {
  readonly cost?: Amounts | undefined;
  readonly units?: Amounts | undefined;
};

/**
 * Returns the share of what is left from which a person is asked, so that no more is used without a question than the share
 * of the whole had left: the least of all caps.
 */
function shareLeft(askAt: number, whole: readonly Caps[], left: readonly Caps[]): number {
  const shares = whole.flatMap((caps, at) => {
    const rest = left[at] ?? {};
    const pairs = COUNTERS.map((each): readonly [number | undefined, number | undefined] => [caps[each], rest[each]]);
    for (const kind of ['cost', 'units'] as const)
      for (const [name, cap] of Object.entries(caps[kind] ?? {})) pairs.push([cap, rest[kind]?.[name]]);
    return pairs.flatMap(([cap = 0, remaining = 0]) =>
      remaining > 0 ? [(askAt * cap - (cap - remaining)) / remaining] : [],
    );
  });
  return Math.max(0, Math.min(askAt, ...shares));
}

type Amounts = Readonly<Record<string, number>>;
const without = (caps: Amounts, used: Amounts = {}): Amounts =>
  Object.fromEntries(Object.entries(caps).map(([name, cap]) => [name, Math.max(0, cap - (used[name] ?? 0))]));

/** Money and units of caps that name them. */
const amountsLeft = (
  { cost, units }: Pick<Caps, 'cost' | 'units'>,
  used: Pick<Caps, 'cost' | 'units'>,
): { cost?: Record<string, number>; units?: Record<string, number> } => ({
  ...(cost === undefined ? {} : { cost: { ...without(cost, used.cost) } }),
  ...(units === undefined ? {} : { units: { ...without(units, used.units) } }),
});

/** The caps of a part. Without an account of them nothing is left (I11). */
function partLeft({ calls, cost, units }: Pick<Permission, 'calls' | 'cost' | 'units'>, used: Mutable | undefined) {
  const spent = used ?? { calls: Infinity, cost: cost ?? {}, units };
  return {
    ...(calls === undefined ? {} : { calls: Math.max(0, calls - spent.calls) }),
    ...amountsLeft({ cost, units }, spent),
  };
}

/** Writes limits as the request of a root lease: what it leaves out would be filled in by defaults, which may be wider. */
export function requestOf(limits: Limits): GrantRequest {
  const { time, actions, budget, ...others } = limits;
  const { stages: _stages, ...verbs } = actions;
  const { reserve: _reserve, ...caps } = budget;
  const { expiresAt, endsOn } = time;
  return {
    ...others,
    time: { notBefore: time.notBefore, expiresAt, ...(endsOn === undefined ? {} : { endsOn }) },
    actions: verbs,
    budget: caps,
  };
}
