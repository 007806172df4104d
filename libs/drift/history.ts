import { directivesIn } from './directives';
import { intentOf } from './families';
import { DRIFT_LIMITS } from './limits';
import type { Call, Goal, History, Returned, RunHistory } from './memory';
import { isRelated } from './related';
import { holds, identifiersIn } from './values';
import { contentWords, normalize } from './words';

export interface Observations {
  opened: { runId: string; parentRunId?: string | undefined; purpose?: string | undefined; task?: string | undefined };
  granted: { runId: string; delegatedSources: readonly string[]; thresholds: readonly number[] };
  called: { runId: string; actionId: string; call: Call; permitted: boolean; score: number };
  /** `text` is the result's preview; none where it was not told or was erased */
  returned: { actionId: string; text?: string | undefined; labels: readonly string[] };
  scored: { runId: string; score: number };
  resumed: { runId: string };
  ended: { runId: string };
}
type Of<T extends keyof Observations> = { readonly type: T } & Readonly<Observations[T]>;
export type Observation = { [T in keyof Observations]: Of<T> }[keyof Observations];

export function goalOf(text: string, most: number = DRIFT_LIMITS.goalChars): Goal {
  const kept = text.slice(0, most);
  return { text: normalize(kept), words: contentWords(kept), intent: intentOf(kept) };
}
const NOTHING = goalOf('');

export const emptyHistory: History = { root: NOTHING, runs: new Map(), results: [], pending: new Map() };

/** What is known after an observation. Pure: the same observations give the same history. */
export function observe(history: History, seen: Observation): History {
  switch (seen.type) {
    case 'opened':
      return opened(history, seen);
    case 'granted':
      return withRun(history, seen.runId, (run) => ({
        ...run,
        delegatedSources: seen.delegatedSources.map(normalize),
        thresholds: seen.thresholds,
      }));
    case 'called':
      return called(history, seen);
    case 'returned':
      return returned(history, seen);
    case 'scored':
      return withRun(history, seen.runId, (run) => ({ ...run, reported: Math.max(run.reported ?? 0, seen.score) }));
    case 'resumed':
      return withRun(history, seen.runId, lookedAt);
    case 'ended':
      return ended(history, seen.runId);
  }
}

/** A person has looked, and let it go on: what was scored before counts no more. */
const lookedAt = (run: RunHistory): RunHistory => ({
  ...run,
  peak: 0,
  reported: undefined,
  calls: new Map(),
  resources: new Map(),
});

function opened(history: History, { runId, parentRunId, purpose, task }: Of<'opened'>): History {
  if (history.runs.size >= DRIFT_LIMITS.runsPerTree) return history;
  const parent = parentRunId === undefined ? undefined : history.runs.get(parentRunId);
  const own = goalOf(task ?? purpose ?? parent?.own.text ?? '');
  const root = parentRunId === undefined ? own : history.root;
  const run: RunHistory = {
    runId,
    own,
    root,
    smuggled: parent ? smuggledIn(history, parent, task ?? purpose ?? '') : [],
    delegatedSources: parent?.delegatedSources ?? [],
    delegated: parent?.delegated ?? NOTHING,
    calls: new Map(),
    resources: new Map(),
    types: new Set(),
    peak: 0,
    reported: undefined,
    thresholds: parent?.thresholds ?? [],
  };
  return { ...history, root, runs: new Map(history.runs).set(runId, run) };
}

/** A task is written by the parent: what it has only from a stranger's text is not asked for by being repeated. */
function smuggledIn(history: History, parent: RunHistory, task: string): string[] {
  return identifiersIn(task).filter(
    (value) =>
      !holds(parent.root.text, value) &&
      (parent.smuggled.includes(value) || !holds(parent.own.text, value)) &&
      !holds(parent.delegated.text, value) &&
      history.results.some((result) => result.trust !== 'trusted' && holds(result.text, value)),
  );
}

function called(history: History, { runId, actionId, call, permitted, score }: Of<'called'>): History {
  const seen = withRun(history, runId, (run) => ({
    ...run,
    peak: Math.max(run.peak, score),
    calls: counted(run.calls, callKey(call)),
    resources: touched(run, call),
    types: new Set(run.types).add(call.resource.type),
  }));
  if (!permitted || !history.runs.has(runId) || history.pending.size >= DRIFT_LIMITS.pendingPerTree) return seen;
  return { ...seen, pending: new Map(seen.pending).set(actionId, { runId, call }) };
}

/** The same key: the same call again. */
export const callKey = (call: Call): string =>
  `${call.verb}\n${resourceKey(call)}\n${JSON.stringify(call.args ?? null).slice(0, 400)}`;
export const resourceKey = (call: Call): string => `${call.resource.type}\n${call.resource.id}`;

function counted(calls: ReadonlyMap<string, number>, key: string): ReadonlyMap<string, number> {
  if (!calls.has(key) && calls.size >= DRIFT_LIMITS.callsPerRun) return calls;
  return new Map(calls).set(key, (calls.get(key) ?? 0) + 1);
}

function touched(run: RunHistory, call: Call): ReadonlyMap<string, boolean> {
  const key = resourceKey(call);
  if (run.resources.has(key) || run.resources.size >= DRIFT_LIMITS.resourcesPerRun) return run.resources;
  return new Map(run.resources).set(key, !isRelated(run, call));
}

function returned(history: History, { actionId, text, labels }: Of<'returned'>): History {
  const waiting = history.pending.get(actionId);
  if (!waiting) return history;
  const pending = new Map(history.pending);
  pending.delete(actionId);
  if (text === undefined || text === '') return { ...history, pending };
  const { runId, call } = waiting;
  const raw = text.slice(0, DRIFT_LIMITS.resultChars);
  const source = normalize(
    `${call.tool ?? ''} ${call.resource.type} ${call.resource.id} ${JSON.stringify(call.args ?? '')}`,
  );
  if (isDelegated(history.runs.get(runId), source)) {
    return { ...withRun(history, runId, (run) => ({ ...run, delegated: joined(run.delegated, raw) })), pending };
  }
  const all = new Set([...call.labels, ...labels]);
  const trust = all.has('untrusted') ? 'untrusted' : all.has('trusted') ? 'trusted' : 'unlabelled';
  const result: Returned = {
    runId,
    text: normalize(raw),
    trust,
    directives: trust === 'trusted' ? [] : directivesIn(raw),
    source,
  };
  return { ...history, pending, results: [...history.results, result].slice(-DRIFT_LIMITS.resultsPerTree) };
}

function isDelegated(run: RunHistory | undefined, source: string): boolean {
  return run !== undefined && run.delegatedSources.some((name) => holds(source, name));
}

const joined = (goal: Goal, raw: string): Goal => goalOf(`${goal.text} ${normalize(raw)}`, DRIFT_LIMITS.delegatedChars);

function ended(history: History, runId: string): History {
  if (!history.runs.has(runId)) return history;
  const runs = new Map(history.runs);
  runs.delete(runId);
  return { ...history, runs };
}

function withRun(history: History, runId: string, change: (run: RunHistory) => RunHistory): History {
  const run = history.runs.get(runId);
  return run ? { ...history, runs: new Map(history.runs).set(runId, change(run)) } : history;
}
