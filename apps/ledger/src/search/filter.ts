import type { RunNode } from '@bailiwick/authority/state/state';
import type { Event } from '@bailiwick/contracts/events/event';
import type { Words } from '@bailiwick/contracts/events/payload';
import type { RunView } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import { wordsIn, type Filter } from '@bailiwick/contracts/queries/search';

/** Filters of events and rows that the database has no index for. Pure: no clock, no store. */

type Asked = Partial<Record<keyof Filter<'events'> | keyof Filter<'runs'> | keyof Filter<'approvals'>, string>>;

/** The members of `data` that occur in several event types. */
interface Data {
  readonly verb?: string;
  readonly tool?: string;
  readonly effect?: string;
  readonly effects?: readonly string[];
  readonly risk?: string;
  readonly resource?: { readonly type: string; readonly id: string };
  readonly labels?: readonly string[];
  readonly agentClass?: string;
  readonly posture?: Readonly<Record<string, string | undefined>>;
  readonly approvalId?: string;
  readonly revocationId?: string;
  readonly parentActionId?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly reason?: { readonly code: string; readonly says?: string };
  readonly reasons?: readonly Reason[];
  readonly features?: readonly { readonly says: string }[];
}
type Field<Subject> = (subject: Subject, run: RunFacts | undefined) => unknown;

/** The facts of a run that are fixed when it opens. */
export type RunFacts = Pick<RunNode, 'agent' | 'principalRef' | 'purposeRef'>;
/** Looks up the facts of a run; called only for filters that need them. */
export type FactsOf = (runId: string) => RunFacts | undefined;

/** The fields that events and rows inherit from their run: instance, posture, principal and purpose. */
const OF_RUN = {
  agentInstance: (run) => run?.agent.instance,
  model: (run) => run?.agent.posture?.model,
  modelVersion: (run) => run?.agent.posture?.modelVersion,
  environment: (run) => run?.agent.posture?.environment,
  imageDigest: (run) => run?.agent.posture?.imageDigest,
  principalRef: (run) => run?.principalRef,
  purposeRef: (run) => run?.purposeRef,
} satisfies Partial<Record<keyof Asked, (run: RunFacts | undefined) => unknown>>;

const dataOf = (event: Event): Data => event.data as Data;

const OF_EVENT: Partial<Record<keyof Asked, Field<Event>>> = {
  ...fromRun((event: Event, key) => dataOf(event).posture?.[key]),
  type: (event) => event.type,
  treeId: (event) => event.treeId,
  runId: (event) => event.runId,
  grantId: (event) => event.grantId,
  actionId: (event) => event.actionId,
  commandId: (event) => event.commandId,
  actor: (event) => event.actor.id,
  actorKind: (event) => event.actor.kind,
  role: (event) => event.actor.role,
  agentClass: (event, run) => dataOf(event).agentClass ?? run?.agent.class,
  verb: (event) => dataOf(event).verb,
  tool: (event) => dataOf(event).tool,
  effect: (event) => dataOf(event).effects ?? dataOf(event).effect,
  risk: (event) => dataOf(event).risk,
  resourceType: (event) => dataOf(event).resource?.type,
  resource: (event) => dataOf(event).resource?.id,
  label: (event) => dataOf(event).labels,
  approvalId: (event) => dataOf(event).approvalId,
  revocationId: (event) => dataOf(event).revocationId,
  parentActionId: (event) => dataOf(event).parentActionId,
  code: (event) => codesOf(dataOf(event)),
};

/** Fields of a row that its view contains and its columns do not. */
const OF_VIEW: Partial<Record<keyof Asked, Field<unknown>>> = {
  ...fromRun(() => undefined),
  ...Object.fromEntries(
    (['parentRunId', 'parentId', 'kind', 'risk', 'actionId', 'decidedBy'] as const).map((key) => [
      key,
      (view: Record<string, unknown>) => view[key],
    ]),
  ),
  approvedBy: (view) => {
    const { approvers, approvedBy } = view as Partial<RunView>;
    return approvers ?? approvedBy;
  },
};

/** Reads each field from the subject, or from its run if the subject does not have it. */
function fromRun<Subject>(
  own: (subject: Subject, key: string) => unknown,
): Partial<Record<keyof Asked, Field<Subject>>> {
  return Object.fromEntries(
    Object.entries(OF_RUN).map(([key, read]) => [
      key,
      (subject: Subject, run: RunFacts | undefined) => own(subject, key) ?? read(run),
    ]),
  );
}

const factsIn = (factsOf: FactsOf, runId: string | undefined): RunFacts | undefined =>
  runId === undefined ? undefined : factsOf(runId);

/**
 * Matches the requested fields that `fields` can read; other requested fields are checked elsewhere.
 * @returns undefined if `fields` reads none of the requested fields
 */
function meets<Subject>(
  fields: Partial<Record<keyof Asked, Field<Subject>>>,
  asked: Asked,
): ((subject: Subject, run: RunFacts | undefined) => boolean) | undefined {
  const wanted = (Object.keys(fields) as (keyof Asked)[]).filter((key) => asked[key] !== undefined);
  if (wanted.length === 0) return undefined;
  return (subject, run) =>
    wanted.every((key) => {
      const is = fields[key]?.(subject, run);
      return Array.isArray(is) ? is.includes(asked[key]) : is === asked[key];
    });
}

/** Reports whether a filter needs the facts of runs. Such a filter cannot match events that are not folded yet. */
export const needsRunFacts = (asked: Asked): boolean =>
  asked.agentClass !== undefined || (Object.keys(OF_RUN) as (keyof Asked)[]).some((key) => asked[key] !== undefined);

/** @returns undefined if the filter does not depend on the contents of an event */
export function eventMatcher(
  asked: Asked,
  factsOf: FactsOf,
): ((event: Event, words: Words | null) => boolean) | undefined {
  const fields = meets(OF_EVENT, asked);
  const hasWords = asked.q === undefined ? undefined : containsAllWords(asked.q);
  if (!fields && !hasWords) return undefined;
  return (event, words) =>
    (fields?.(event, factsIn(factsOf, event.runId)) ?? true) &&
    (hasWords?.([...textOf(event), ...textIn(words)]) ?? true);
}

export interface Row {
  readonly runId: string | undefined;
  readonly view: unknown;
}

/** @returns undefined if the columns of a row decide the filter */
export function rowMatcher(asked: Asked, factsOf: FactsOf): ((row: Row) => boolean) | undefined {
  const fields = meets(OF_VIEW, asked);
  return fields && (({ runId, view }) => fields(view, factsIn(factsOf, runId)));
}

/** Matches texts that contain every word of a query. */
export function containsAllWords(q: string): (texts: readonly string[]) => boolean {
  const wanted = [...new Set(wordsIn(q))];
  return (texts) => {
    if (texts.length === 0) return false;
    const present = new Set(texts.flatMap(wordsIn));
    return wanted.every((word) => present.has(word));
  };
}

/** The payload members in which people state reasons. Arguments and results are not searched. */
const SEARCHED = ['purpose', 'task', 'reason', 'note'] as const;
export const textIn = (words: Words | null): string[] =>
  SEARCHED.flatMap((key) => (typeof words?.[key] === 'string' ? [words[key]] : []));

/** Returns the sentences in the body of an event that explain a decision or an end. */
function textOf(event: Event): string[] {
  const { detail, reason, reasons = [], features = [] } = dataOf(event);
  const texts = [
    detail,
    reason?.says,
    ...features.map(({ says }) => says),
    ...flat(reasons).map(({ message }) => message),
  ];
  return texts.filter((text) => text !== undefined);
}

const codesOf = ({ code, reason, reasons = [] }: Data): (string | undefined)[] => [
  code,
  reason?.code,
  ...flat(reasons).map((each) => each.code),
];

const flat = (reasons: readonly Reason[]): Reason[] => reasons.flatMap((each) => [each, ...flat(each.reasons ?? [])]);
