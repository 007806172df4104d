import type { Event, EventOf, EventType } from '@bailiwick/contracts/events/event';
import { COUNTERS, type Consumed } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import type { Predicate, RunClaims } from '@bailiwick/contracts/receipts/receipt';
import { absentIn } from './absent';
import { importedIn, importedNotProved } from './imported';
import { endOf } from './ending';
import { inFlightOf } from './in-flight';
import { leaseChangesOf } from './lease-changes';
import { isEarlier, periodNotProved } from './period';
import { isOutcome, lineOf, textOf, type Outcome, type Story, type StoryEntry } from './story';

/** The list of the first release. Its receipts must still verify, so the texts never change. */
export const DID_NOT_PROVE = [
  'that what the enforcement point reported as done is all that was done, or was done at all: it proves what was reported',
  'that the agent could not act outside this system',
  'that a person understood what she approved',
  'that the previews are complete: they are redacted, and the digests stand for the full values',
  'that the log left out no event of this run: the receipt shows that what it tells is in the log, not that it is all',
  'that no other log of this tenant holds events about this run',
];
export const DOES_NOT_PROVE = [
  ...DID_NOT_PROVE,
  'that the person named as asking did ask: the caller that opened the root run stated it, and nothing else shows it',
];

/**
 * Derives the claims of a run's receipt from its events. Builder and verifier both call this, so verification fails if a
 * receipt claims more or less than its events. The texts are part of stored receipts and must not change.
 * @param story the events of the receipt
 */
export const summarise = (runId: string, story: Story): Predicate => ({
  ...claimsOfRun(runId, story),
  absent: absentIn(story),
  ...importedIn(story),
  doesNotProve: [...DOES_NOT_PROVE, ...periodNotProved(story), ...importedNotProved(story)],
});

/** @throws Error if the events do not contain the opening of the run */
export function claimsOfRun(runId: string, story: Story): RunClaims {
  const { entries } = story;
  const opened = story.openings.get(runId);
  if (!opened) throw new Error(`the events do not contain the opening of ${runId}`);
  const { event } = opened;
  const mine = entries.filter((each) => each.event.runId === runId);
  const line = lineOf(runId, story);
  const runs = new Set(line.map((each) => each.event.runId as string));
  const during = mine.filter((each) => !isEarlier(each.event, story));
  const actions = actionsOf(mine);
  const effects = during.flatMap(({ event: each }) =>
    isOutcome(each) || each.type === 'OutcomeReportedLate' ? (each.data.effects ?? []) : [],
  );
  return {
    run: runPart(event),
    ...(story.period ? { period: story.period } : {}),
    ...inFlightOf(runId, story),
    agent: event.data.agent,
    purpose: firstText(line, 'purpose'),
    ...(typeof opened.payload?.task === 'string' ? { task: opened.payload.task } : {}),
    requestedBy: firstText(line, 'requestedBy'),
    ...statedBy(line),
    principalRef: event.data.principalRef,
    approvals: approvalsOf(story, runs),
    grants: allOf(entries, 'GrantIssued').flatMap(({ event: each }) =>
      runs.has(each.runId as string) ? [grantOf(each)] : [],
    ),
    ...leaseChangesOf(story, runs),
    actions,
    denied: allOf(during, 'ActionDenied', 'ActionStepUp').map((each) => deniedOf(each.event)),
    ...refusedMoreOf(during),
    spent: spentOf(mine, story),
    ...tenantBudgetsOf(mine, story),
    resources: unique([
      ...actions.map((action) => `${action.resource.type} ${action.resource.id}`),
      ...effects.flatMap((each) => each.resources ?? []),
    ]),
    filesChanged: unique(effects.flatMap((each) => each.filesChanged ?? [])),
    external: unique(effects.flatMap((each) => each.external ?? [])),
    escalations: escalationsOf(mine, story),
    delegationsRefused: allOf(during, 'DelegationRefused').map(({ event: each }) => ({
      agentClass: each.data.agentClass,
      code: each.data.code,
      detail: each.data.detail,
      ...place(each),
    })),
    children: allOf(entries, 'RunOpened').flatMap((each) =>
      each.event.data.parentRunId === runId ? [childOf(each, story)] : [],
    ),
    drift: driftOf(during),
    suspensions: suspensionsOf(mine, entries, story),
    ended: endOf(runId, story),
    revoked: allOf(entries, 'GrantRevoked', 'RevocationRuleAdded').flatMap(({ event: each }) =>
      isEarlier(each, story) || isSuspension(each) ? [] : [revokedBy(each)],
    ),
  };
}

const isSuspension = (event: Event): event is EventOf<'RevocationRuleAdded'> =>
  event.type === 'RevocationRuleAdded' && event.data.mode === 'suspend';

const revokedBy = (event: EventOf<'GrantRevoked'> | EventOf<'RevocationRuleAdded'>): RunClaims['revoked'][number] => ({
  revocationId: event.data.revocationId,
  reason: event.type === 'GrantRevoked' ? reasonOf(event) : `${reasonOf(event)}${toolOf(event)}`,
  ...place(event),
});

const reasonOf = ({ data: { reason } }: EventOf<'GrantRevoked' | 'RevocationRuleAdded'>): string =>
  reason.says ?? reason.code;

/** Names the tool that a rule revoked, if the rule ended no lease. */
const toolOf = ({ data }: EventOf<'RevocationRuleAdded'>): string =>
  data.target !== 'tool'
    ? ''
    : data.selector.verb === undefined || data.mode !== 'suspend'
      ? `: the tool ${data.selector.tool}, and no lease`
      : `: the verbs ${data.selector.verb}, and no lease`;

const allOf = <T extends EventType>(entries: readonly StoryEntry[], ...types: readonly T[]): StoryEntry<T>[] =>
  entries.filter(({ event }) => (types as readonly EventType[]).includes(event.type)) as unknown as StoryEntry<T>[];

function childOf({ event, payload }: StoryEntry<'RunOpened'>, story: Story): RunClaims['children'][number] {
  const runId = event.runId as string;
  return {
    runId,
    agentClass: event.data.agent.class,
    task: textOf(payload, 'task'),
    ended: endOf(runId, story)?.reason ?? null,
    receipt: `/v1/runs/${runId}/receipt`,
    ...place(event),
  };
}

export const runPart = ({ runId, treeId, data }: EventOf<'RunOpened'>): RunClaims['run'] => ({
  id: runId as string,
  treeId: treeId as string,
  ...(data.parentRunId === undefined ? {} : { parentRunId: data.parentRunId }),
  startedAt: data.startedAt,
});
const place = (event: Event) => ({ position: event.position, time: event.time });
const unique = (values: readonly string[]): string[] => [...new Set(values)].sort();

/** Returns the actor that stated the requester: the one that opened the root of the line. */
export function statedBy(line: readonly StoryEntry<'RunOpened'>[]): { requestedByStatedBy?: string } {
  const root = line.at(-1)?.event;
  return root === undefined ? {} : { requestedByStatedBy: root.actor.id };
}

export const firstText = (line: readonly StoryEntry[], key: string): string | null =>
  line.map((each) => textOf(each.payload, key)).find((each) => each !== null) ?? null;

const OUTCOMES: Record<Outcome, RunClaims['actions'][number]['outcome']> = {
  ActionCompleted: 'completed',
  ActionFailed: 'failed',
  ActionAbandoned: 'abandoned',
};

/** Maps each action to its last outcome. */
function outcomesOf(mine: readonly StoryEntry[]): Map<string | undefined, EventOf<Outcome>> {
  const outcomes = new Map<string | undefined, EventOf<Outcome>>();
  for (const { event } of mine) if (isOutcome(event)) outcomes.set(event.actionId, event);
  return outcomes;
}

/** Lists the permitted actions with their outcomes. */
export function actionsOf(mine: readonly StoryEntry[]): RunClaims['actions'] {
  const outcomes = outcomesOf(mine);
  const called = new Map<string | undefined, EventOf<'ActionCalled'>['data']['called'][]>();
  for (const { event } of allOf(mine, 'ActionCalled'))
    called.set(event.actionId, [...(called.get(event.actionId) ?? []), event.data.called]);
  const late = new Map(allOf(mine, 'OutcomeReportedLate').map(({ event }) => [event.actionId, event]));
  return allOf(mine, 'ActionPermitted').map(({ event }) => {
    const { data } = event;
    const outcome = outcomes.get(event.actionId);
    return {
      id: event.actionId as string,
      verb: data.verb,
      ...(data.tool === undefined ? {} : { tool: data.tool }),
      resource: { type: data.resource.type, id: data.resource.id },
      effect: data.effect,
      ...(data.effects === undefined ? {} : { effects: data.effects }),
      risk: data.risk,
      ...(data.argsDigest === undefined ? {} : { argsDigest: data.argsDigest }),
      ...(data.approvalId === undefined ? {} : { approvalId: data.approvalId }),
      ...(data.obligations === undefined ? {} : { obligations: data.obligations }),
      ...place(event),
      ...(data.calledBy === undefined ? {} : { calledBy: data.calledBy }),
      ...(called.has(event.actionId) ? { called: called.get(event.actionId) } : {}),
      outcome: outcome ? OUTCOMES[outcome.type] : ('open' as const),
      ...(outcome ? { outcomePosition: outcome.position } : {}),
      cost: outcome ? outcome.data.cost : data.charge.cost,
      ...(outcome?.data.findings ? { charged: outcome.data.charge.cost } : {}),
      ...unitsOf(data.charge.units, outcome),
      ...lateOf(late.get(event.actionId)),
    };
  });
}

/** The units as reported, or as reserved without an outcome; and the charged ones, if not all were charged. */
function unitsOf(
  reserved: Consumed['units'],
  outcome: EventOf<'ActionCompleted' | 'ActionFailed' | 'ActionAbandoned'> | undefined,
): Pick<RunClaims['actions'][number], 'units' | 'chargedUnits'> {
  const units = outcome ? outcome.data.units : reserved;
  if (units === undefined) return {};
  return { units, ...(outcome?.data.findings ? { chargedUnits: outcome.data.charge.units ?? {} } : {}) };
}

const lateOf = (event?: EventOf<'OutcomeReportedLate'>): Pick<RunClaims['actions'][number], 'late'> =>
  event
    ? {
        late: {
          status: event.data.status,
          ...(event.data.cost === undefined ? {} : { cost: event.data.cost }),
          ...(event.data.units === undefined ? {} : { units: event.data.units }),
          ...place(event),
        },
      }
    : {};

export function deniedOf(event: EventOf<'ActionDenied'> | EventOf<'ActionStepUp'>): RunClaims['denied'][number] {
  const { data } = event;
  return {
    id: event.actionId as string,
    verb: data.verb,
    resource: { type: data.resource.type, id: data.resource.id },
    ...place(event),
    decision: event.type === 'ActionDenied' ? 'deny' : 'step-up',
    reasons: leaves(data.reasons).map((reason) => reason.message),
  };
}

function refusedMoreOf(mine: readonly StoryEntry[]): Pick<RunClaims, 'refusedMore'> {
  const counted = allOf(mine, 'RefusalsSummarized').map(({ event }) => {
    const { since, total, refused } = event.data;
    return { since, total, refused, ...place(event) };
  });
  return counted.length === 0 ? {} : { refusedMore: counted };
}

const leaves = (reasons: readonly Reason[]): Reason[] =>
  reasons.flatMap((reason) =>
    reason.reasons && reason.reasons.length > 0 ? leaves(reason.reasons) : reason.outcome === 'permit' ? [] : [reason],
  );

function grantOf(event: EventOf<'GrantIssued'>): RunClaims['grants'][number] {
  const { data } = event;
  return {
    id: event.grantId as string,
    runId: event.runId as string,
    ...(data.parentId === undefined ? {} : { parentId: data.parentId }),
    depth: data.depth,
    limits: data.limits,
    ...(data.approvalId === undefined ? {} : { approvalId: data.approvalId }),
    ...(data.supersedes === undefined ? {} : { supersedes: data.supersedes }),
    ...place(event),
  };
}

function approvalsOf(story: Story, runs: ReadonlySet<string>): RunClaims['approvals'] {
  return allOf(story.entries, 'ApprovalRequested').flatMap(({ event }): RunClaims['approvals'] => {
    if (!runs.has(event.runId as string)) return [];
    const { approvalId, kind } = event.data;
    const answer = story.answered.get(approvalId);
    if (!answer) return [{ id: approvalId, kind, verdict: 'pending' as const, ...place(event) }];
    if (answer.event.type !== 'ApprovalGiven')
      return [{ id: approvalId, kind, verdict: 'expired' as const, ...place(answer.event) }];
    const { verdict, by, scope, breakGlass } = answer.event.data;
    const also = peopleBefore(story, approvalId, answer.event);
    return [
      {
        ...{ id: approvalId, kind, verdict, by },
        ...(also.length > 0 ? { also } : {}),
        ...(scope === undefined ? {} : { scope }),
        ...(breakGlass ? { breakGlass } : {}),
        note: textOf(answer.payload, 'note'),
        ...place(answer.event),
      },
    ];
  });
}

/** Returns the people that gave the verdict of a final answer before it, each once. */
function peopleBefore({ answeredInPart }: Story, approvalId: string, final: EventOf<'ApprovalGiven'>): string[] {
  const { verdict, by } = final.data;
  const last = new Map(
    (answeredInPart.get(approvalId) ?? [])
      .filter(({ event }) => event.position < final.position)
      .map(({ event }) => [event.data.by, event.data.verdict]),
  );
  return [...last].flatMap(([person, answer]) => (answer === verdict && person !== by ? [person] : []));
}

/**
 * Lists the escalations: reason, requested limits, the actions refused before, and the verdict. An escalation that was
 * answered before the period of the receipt is left out.
 */
function escalationsOf(mine: readonly StoryEntry[], story: Story): RunClaims['escalations'] {
  const tried: string[] = [];
  return mine.flatMap(({ event, payload }) => {
    if (event.type === 'ActionDenied' || event.type === 'ActionStepUp') tried.push(event.actionId as string);
    if (event.type !== 'ApprovalRequested' || event.data.kind !== 'escalation') return [];
    const { approvalId, limits, bundle } = event.data;
    const answer = story.answered.get(approvalId)?.event;
    if (answer && isEarlier(answer, story)) return [];
    const verdict = !answer ? 'pending' : answer.type === 'ApprovalGiven' ? answer.data.verdict : 'expired';
    return [
      {
        approvalId,
        reason: textOf(payload, 'reason'),
        ...(limits === undefined ? {} : { wanted: limits }),
        ...(bundle === undefined ? {} : { bundle }),
        tried: [...tried],
        verdict,
        ...place(event),
      },
    ];
  });
}

/**
 * Lists each suspension of the run, and those by selector that concern it or a run above it; `resumedAt` is null if it was not resumed. One that was resumed before the period of
 * the receipt is left out.
 */
function suspensionsOf(
  mine: readonly StoryEntry[],
  entries: readonly StoryEntry[],
  story: Story,
): RunClaims['suspensions'] {
  const all: RunClaims['suspensions'] = [];
  const open = new Map<string, RunClaims['suspensions'][number]>();
  for (const { event } of allOf(mine, 'GrantSuspended', 'GrantResumed')) {
    if (event.grantId === undefined) continue;
    if (event.type === 'GrantSuspended') {
      const { reason } = event.data;
      const held = { reason: reason.says ?? reason.code, by: event.actor.id, resumedAt: null, ...place(event) };
      all.push(held);
      open.set(event.grantId, held);
    } else {
      const held = open.get(event.grantId);
      if (held) held.resumedAt = event.time;
      open.delete(event.grantId);
    }
  }
  for (const { event } of entries) {
    if (!isSuspension(event)) continue;
    const { revocationId, until } = event.data;
    const what = `${reasonOf(event)}${toolOf(event)} (${revocationId}${until === undefined ? '' : `, until ${until}`})`;
    all.push({
      reason: what,
      by: event.actor.id,
      resumedAt: story.lifts.get(revocationId)?.event.time ?? null,
      ...place(event),
    });
  }
  all.sort((one, other) => one.position - other.position);
  return all.filter(({ resumedAt }) => resumedAt === null || !isEarlier({ time: resumedAt }, story));
}

/**
 * Sums the counts charged at the permits, and the amounts settled, or reserved if the action is still open. In a receipt
 * about a period, a call counts in the period of its permit and an amount in that of its outcome: what is only reserved
 * is in flight and not spent, so consecutive periods count everything once.
 */
function spentOf(mine: readonly StoryEntry[], story: Story): Consumed {
  const spent: { -readonly [K in keyof Consumed]: Consumed[K] } = {
    calls: 0,
    reads: 0,
    writes: 0,
    external: 0,
    cost: {},
  };
  const outcomes = outcomesOf(mine);
  for (const { event } of allOf(mine, 'ActionPermitted')) {
    const { charge } = event.data;
    if (!isEarlier(event, story)) for (const counter of COUNTERS) spent[counter] += charge[counter];
    const outcome = outcomes.get(event.actionId);
    if (story.period && (!outcome || isEarlier(outcome, story))) continue;
    const { cost, units = {} } = outcome?.data.charge ?? charge;
    for (const [currency, value] of Object.entries(cost)) spent.cost[currency] = (spent.cost[currency] ?? 0) + value;
    for (const [unit, value] of Object.entries(units))
      spent.units = { ...spent.units, [unit]: (spent.units?.[unit] ?? 0) + value };
  }
  return spent;
}

/** Lists the tenant budgets that the permits name, with the part of the spending that they drew from each. */
function tenantBudgetsOf(mine: readonly StoryEntry[], story: Story): Pick<RunClaims, 'tenantBudgets'> {
  const names = unique(allOf(mine, 'ActionPermitted').flatMap(({ event }) => event.data.tenantBudgets ?? []));
  if (names.length === 0) return {};
  const drawing = (name: string): StoryEntry[] =>
    mine.filter(({ event }) => event.type !== 'ActionPermitted' || event.data.tenantBudgets?.includes(name) === true);
  return { tenantBudgets: names.map((name) => ({ name, drew: spentOf(drawing(name), story) })) };
}

function driftOf(mine: readonly StoryEntry[]): RunClaims['drift'] {
  const scores = allOf(mine, 'DriftScored').map(({ event }) => event.data.score);
  return { highest: Math.max(0, ...scores), scores: scores.length };
}
