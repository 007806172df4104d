import type { Event } from '@bailiwick/contracts/events/event';
import type { SealedLog } from '@bailiwick/receipts/testing/sealed-log';

/** The name of a request and its payload. */
export type Question = readonly [name: string, request: Readonly<Record<string, unknown>>];

const TENANT = { tenant: 'default' };
const LISTS = ['runs', 'grants', 'approvals', 'actions'] as const;
const DECISION = /^Action(Permitted|Denied|StepUp)$/;

/** Returns every request about every subject in a log, with a filter for each field that runs determine. */
export const questionsAbout = (log: SealedLog): Question[] => [
  ...listed(log),
  ...aboutRuns(log),
  ...aboutTrees(log),
  ...aboutActions(log),
];

function listed(log: SealedLog): Question[] {
  const { state } = log;
  const runs = [...state.runs.values()];
  const ids = [
    ...runs.map((run) => ({ runId: run.id })),
    ...runs.map((run) => ({ parentRunId: run.id })),
    ...state.order.map((grant) => ({ grantId: grant.id })),
    ...[...state.trees.keys()].map((treeId) => ({ treeId })),
  ];
  const facts = runs.flatMap(({ agent, principalRef, purposeRef }) =>
    filtersOf({
      agentClass: agent.class,
      agentInstance: agent.instance,
      modelVersion: agent.posture?.modelVersion,
      principalRef,
      purposeRef,
    }),
  );
  const more = [{}, { q: 'tidy' }, { q: 'count' }, { status: 'completed' }, { status: 'expired' }, { code: 'REVOKED' }];
  return unique([...ids, ...facts, ...more]).flatMap(searching);
}

/** Returns one filter for each field that has a value. */
const filtersOf = (fields: Record<string, string | undefined>): object[] =>
  Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [{ [key]: value }]));

const unique = (filters: readonly object[]): object[] =>
  [...new Set(filters.map((filter) => JSON.stringify(filter)))].map((text) => JSON.parse(text) as object);

/** Sends a filter to events and to every list; a list that does not have the field refuses it. */
const searching = (filter: object): Question[] => [
  ['events', { ...TENANT, ...filter, limit: 1_000 }],
  ...LISTS.flatMap((name): Question[] => [
    [name, { ...TENANT, ...filter, limit: 1_000 }],
    [name, { ...TENANT, ...filter, limit: 2 }],
  ]),
];

const aboutRuns = ({ state }: SealedLog): Question[] =>
  [...state.runs.keys()].flatMap((runId) =>
    ['receipt', 'drift', 'graph'].map((name): Question => [name, { ...TENANT, runId }]),
  );

const aboutTrees = ({ state, events }: SealedLog): Question[] =>
  [...state.trees.keys()].flatMap((treeId): Question[] => [
    ['receipt', { ...TENANT, treeId }],
    ['replay-start', { ...TENANT, request: { treeId, change: {} } }],
    ...[events.length >> 1, events.length - 1].map((at): Question => [
      'tree-at',
      { ...TENANT, treeId, at: String(at) },
    ]),
  ]);

const aboutActions = ({ events }: SealedLog): Question[] =>
  events.filter(isDecision).flatMap(({ actionId }): Question[] => [
    ['receipt', { ...TENANT, actionId }],
    ['custody', { ...TENANT, actionId }],
  ]);

const isDecision = ({ type }: Event): boolean => DECISION.test(type);

function id(kind: string): string {
  return `${kind}_0_${'0'.repeat(26)}`;
}

/** Requests about ids that do not exist. */
export const questionsAboutNothing: readonly Question[] = [
  ...filtersOf({ runId: id('run'), grantId: id('grt'), treeId: id('tre') }).flatMap(searching),
  ...['receipt', 'drift', 'graph'].map((name): Question => [name, { ...TENANT, runId: id('run') }]),
  ...['receipt', 'custody'].map((name): Question => [name, { ...TENANT, actionId: id('act') }]),
  ['receipt', { ...TENANT, treeId: id('tre') }],
  ['tree-at', { ...TENANT, treeId: id('tre'), at: '0' }],
  ['replay-start', { ...TENANT, request: { treeId: id('tre'), change: {} } }],
];
