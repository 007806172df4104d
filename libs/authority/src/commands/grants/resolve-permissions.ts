import type {
  DeniedPair,
  GrantRequest,
  Limits,
  Permission,
  PermissionsLimit,
  Selector,
} from '@bailiwick/contracts/grants/grant';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import type { Violation } from '../../dimensions/dimension';
import { tighterCaps } from '../../dimensions/part-caps';
import { distinctEntries } from '../../dimensions/permissions';
import { distinct } from '../../dimensions/resources';
import { sorted } from '../../dimensions/verdict';

/** The lists of the envelope that a request leaves to its permissions: their union. */
export interface Union {
  readonly actions: boolean;
  readonly resources: boolean;
}

export const unionIn = ({ permissions, actions, resources }: GrantRequest): Union => ({
  actions: permissions !== undefined && actions?.allow === undefined,
  resources: permissions !== undefined && resources === undefined,
});

/** Returns all verbs and all resources of permissions. */
export const envelopeOf = (permissions: PermissionsLimit): { actions: string[]; resources: Selector[] } => ({
  actions: sorted(permissions.flatMap((each) => each.actions)),
  resources: distinct(permissions.flatMap((each) => each.resources)),
});

/** Normalizes verbs, or a selector, and records faults at their path. */
type Verbs = (list: readonly string[], path: string) => string[];
type SelectorOf = (selector: Selector, path: string) => Selector;

const selectorsAt = (selectors: readonly Selector[], path: string, selectorOf: SelectorOf): Selector[] =>
  distinct(selectors.map((each, k) => selectorOf(each, `${path}.resources[${k}]`)));

/** The last time that RFC 3339 can write. */
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

/** Normalizes permissions: each entry once, in a fixed order, so that a request has one form. */
export const resolvedPermissions = (
  permissions: PermissionsLimit,
  verbs: Verbs,
  selectorOf: SelectorOf,
): PermissionsLimit =>
  distinctEntries(
    permissions.map(({ mode, until, ...each }, i) => {
      const entry: Permission = {
        actions: verbs(each.actions, `grant.permissions[${i}].actions`),
        resources: selectorsAt(each.resources, `grant.permissions[${i}]`, selectorOf),
        ...(mode === undefined ? {} : { mode }),
        ...(until === undefined ? {} : { until: rfc3339(Math.min(parseTime(until) ?? 0, LAST)) }),
        ...tighterCaps(each, {}),
      };
      REQUESTED_AT.set(entry, i);
      return entry;
    }),
  );

export const resolvedPairs = (pairs: readonly DeniedPair[], verbs: Verbs, selectorOf: SelectorOf): DeniedPair[] =>
  pairs.map((each, i) => ({
    actions: verbs(each.actions, `grant.deny[${i}].actions`),
    resources: selectorsAt(each.resources, `grant.deny[${i}]`, selectorOf),
  }));

/** The index that an entry has in its request: entries are sorted, and a refusal names the one that was sent. */
const REQUESTED_AT = new WeakMap<Permission, number>();

/** Returns violations with the indexes of entries as they were requested. */
export function asRequested(violations: Violation[], { permissions = [] }: Limits): Violation[] {
  return violations.map((violation) => {
    const entry = permissions[Number(/^permissions\[(\d+)\]$/.exec(violation.path)?.[1] ?? -1)];
    const i = entry && REQUESTED_AT.get(entry);
    return i === undefined ? violation : { ...violation, path: `permissions[${i}]` };
  });
}
