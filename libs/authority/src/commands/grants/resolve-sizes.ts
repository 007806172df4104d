import type { Limits, Selector } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { formatDuration, parseDuration } from '@bailiwick/core/duration';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import { renewalFault } from './renewable';

/** Returns every selector of a lease. */
export const selectorsOf = ({ resources, permissions = [], deny = [] }: Limits): readonly Selector[] =>
  permissions.length + deny.length === 0
    ? resources
    : [...resources, ...[...permissions, ...deny].flatMap((each): readonly Selector[] => each.resources)];

/** Counts the wildcards of a verb or a path: `*`, `**`, and each `*` in a segment with text. */
export const wildcardsIn = (pattern: string): number => pattern.match(/\*+/g)?.length ?? 0;

/** Checks the sizes of issued limits, and that they last. */
export function checkSizes(limits: Limits, now: number): Result<Limits, Refusal> {
  const { time, actions, permissions = [], deny = [], budget, obligations = [] } = limits;
  const patterns = [
    ...actions.allow,
    ...actions.deny,
    ...[...permissions, ...deny].flatMap((each) => each.actions),
    ...(budget.perVerb ?? []).flatMap((cap) => cap.actions),
    ...obligations.flatMap((each) => each.actions ?? []),
    ...selectorsOf(limits).flatMap(({ match, except = [] }) => [match, ...except]),
    ...(time.endsOn ?? []).flatMap((end) => [
      ...end.actions,
      ...(end.resources ?? []).flatMap(({ match, except = [] }) => [match, ...except]),
    ]),
  ];
  const wildcards = patterns.reduce((sum, pattern) => sum + wildcardsIn(pattern), 0);
  const [starts, ends] = [Date.parse(time.notBefore), Date.parse(time.expiresAt)];
  if (!(ends > starts && ends > now)) {
    const detail = `grant.time: the lease would end (${time.expiresAt}) before it starts (${time.notBefore})`;
    return err({ code: 'BAD_REQUEST', detail });
  }
  const renewal = renewalFault(time);
  if (renewal !== undefined) return err({ code: 'BAD_REQUEST', detail: renewal });
  const odd = budget.windows.find((window) => window.timezone === undefined && outOfRange(parseDuration(window.per)));
  const [shortest, longest] = [formatDuration(LIMITS.windowMinMs), formatDuration(LIMITS.windowMs)];
  const crowded = countsOf(limits).find(({ count, most }) => count > most);
  const checks: [tooMuch: boolean, detail: string][] = [
    [
      ends - now > LIMITS.grantLifetimeMs,
      `grant.time: a lease lasts ${formatDuration(LIMITS.grantLifetimeMs)} at most; ask for less, and again later`,
    ],
    [
      time.renewUntil !== undefined && Date.parse(time.renewUntil) - now > LIMITS.renewalMs,
      `grant.time.renewUntil: a lease is renewed for ${formatDuration(LIMITS.renewalMs)} at most; name an earlier time`,
    ],
    [
      wildcards > LIMITS.wildcardsPerGrant,
      `grant: its patterns have ${wildcards} wildcards together and may have ${LIMITS.wildcardsPerGrant}; name fewer or wider patterns`,
    ],
    [odd !== undefined, `grant.budget.windows: ${odd?.per} is not between ${shortest} and ${longest}`],
    [
      crowded !== undefined,
      `grant.${crowded?.path}: ${crowded?.count}, with those of the lease or parent that it adds to; at most ${crowded?.most}. Name fewer, or wider ones`,
    ],
    [
      obligations.length > 0 && Buffer.byteLength(JSON.stringify(obligations)) > LIMITS.obligations.bytes,
      `grant.obligations: they are larger than ${LIMITS.obligations.bytes} bytes, with those of the lease or parent that they add to; name fewer fields`,
    ],
    [
      Buffer.byteLength(JSON.stringify(limits)) > LIMITS.grantBytes,
      `grant: the limits are larger than ${LIMITS.grantBytes} bytes; name wider patterns or fewer values`,
    ],
  ];
  const failed = checks.find(([tooMuch]) => tooMuch);
  return failed ? err({ code: 'GRANT_EXCEEDS_MAXIMUM', detail: failed[1] }) : ok(limits);
}

interface Count {
  readonly path: string;
  readonly count: number;
  readonly most: number;
}

/**
 * Returns the length of every list of a grant, with its maximum. A request within each maximum may exceed it once it is
 * added to that of its parent, its lease, or another window of the same length: the issued limits are counted, not the
 * requested ones. The schema that reads the grant has the same maxima.
 */
function countsOf({
  time,
  purpose,
  actions,
  resources,
  permissions,
  deny,
  budget,
  delegation,
  posture,
  obligations,
}: Limits): Count[] {
  const money = (path: string, cost: Cost = {}): Count => ({
    path,
    count: Object.keys(cost).length,
    most: LIMITS.currencies,
  });
  const units = (path: string, counted: Cost = {}): Count => ({
    path,
    count: Object.keys(counted).length,
    most: LIMITS.units,
  });
  const list = (path: string, values: readonly unknown[] = [], most: number): Count => ({
    path,
    count: values.length,
    most,
  });
  return [
    list('time.endsOn', time.endsOn, LIMITS.endsPerGrant),
    list('purpose.delegatedSources', purpose.delegatedSources, LIMITS.delegatedSources),
    list('actions.allow', actions.allow, LIMITS.patternsPerList),
    list('actions.deny', actions.deny, LIMITS.patternsPerList),
    list('resources', resources, LIMITS.selectorsPerGrant),
    list('permissions', permissions, LIMITS.permissionsPerGrant),
    ...(permissions ?? []).flatMap(({ cost, units: counted }, i) => [
      money(`permissions[${i}].cost`, cost),
      units(`permissions[${i}].units`, counted),
    ]),
    list('deny', deny, LIMITS.deniedPairsPerGrant),
    money('budget.cost', budget.cost),
    money('budget.perAction.cost', budget.perAction?.cost),
    units('budget.units', budget.units),
    units('budget.perAction.units', budget.perAction?.units),
    list('budget.perVerb', budget.perVerb, LIMITS.verbCapsPerBudget),
    ...(budget.perVerb ?? []).flatMap((cap, i) => [
      list(`budget.perVerb[${i}].actions`, cap.actions, LIMITS.patternsPerList),
      money(`budget.perVerb[${i}].cost`, cap.cost),
      units(`budget.perVerb[${i}].units`, cap.units),
    ]),
    list('budget.windows', budget.windows, LIMITS.windowsPerBudget),
    ...budget.windows.map(({ per, cost }) => money(`budget.windows[${per}].cost`, cost)),
    ...budget.windows.map((window) => units(`budget.windows[${window.per}].units`, window.units)),
    list('delegation.classes', delegation.classes, LIMITS.classesPerList),
    list('obligations', obligations, LIMITS.obligations.perLease),
    ...(obligations ?? []).flatMap((each, i) => [
      list(`obligations[${i}].actions`, each.actions, LIMITS.patternsPerList),
      list(`obligations[${i}].fields`, 'fields' in each ? each.fields : [], LIMITS.obligations.fields),
    ]),
    ...Object.entries(posture).map(([name, values]) => list(`posture.${name}`, values, LIMITS.classesPerList)),
  ];
}

const outOfRange = (ms: number | undefined): boolean =>
  ms === undefined || ms < LIMITS.windowMinMs || ms > LIMITS.windowMs;

type Cost = Readonly<Record<string, number>>;
