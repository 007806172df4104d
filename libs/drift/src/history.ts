import { intentOf } from './families';
import { handedOverIn, namesOne } from './handed-over';
import { DRIFT_LIMITS } from './drift-limits';
import type { Call, Goal, History, RunHistory } from './memory';
import { ordersIn, unescaped } from './orders';
import { partsOf, type Part } from './parts';
import { isRelated } from './related';
import { holds, identifiersIn } from './values';
import { contentWords, normalize } from './words';

export interface Observations {
  opened: { runId: string; parentRunId?: string | undefined; purpose?: string | undefined; task?: string | undefined };
  granted: { runId: string; delegatedSources: readonly string[]; thresholds: readonly number[] };
  called: { runId: string; actionId: string; call: Call; permitted: boolean; score: number };
  /** `text` is the preview of the result; undefined if it was not sent or was erased */
  returned: { actionId: string; text?: string | undefined; labels: readonly string[] };
  /** number of refused requests of a run beyond those that have an event each */
  refused: { runId: string; count: number; score: number };
  scored: { runId: string; score: number };
  resumed: { runId: string };
  ended: { runId: string };
}
type Of<T extends keyof Observations> = { readonly type: T } & Readonly<Observations[T]>;
export type Observation = { [T in keyof Observations]: Of<T> }[keyof Observations];

function goalOf(text: string, most: number = DRIFT_LIMITS.goalChars): Goal {
  const kept = text.slice(0, most);
  return { text: normalize(kept), words: contentWords(kept), intent: intentOf(kept) };
}
const NOTHING = goalOf('');

export const emptyHistory = (): History => ({ root: NOTHING, runs: new Map(), results: [], pending: new Map() });

/**
 * Applies an observation to the history, in place: a tree of thousands of runs is not copied for one call. The same
 * observations lead to the same history. A history that may be half changed is discarded and folded again, never
 * repaired.
 */
export function observe(history: History, seen: Observation): void {
  if (seen.type === 'opened') return opened(history, seen);
  if (seen.type === 'returned') return returned(history, seen);
  const run = history.runs.get(seen.runId);
  if (!run) return;
  switch (seen.type) {
    case 'granted':
      run.delegatedSources = seen.delegatedSources.map(normalize);
      run.thresholds = seen.thresholds;
      return;
    case 'called':
      return called(history, run, seen);
    case 'refused':
      run.refused = Math.min(run.refused + seen.count, Number.MAX_SAFE_INTEGER);
      run.peak = Math.max(run.peak, seen.score);
      return;
    case 'scored':
      run.reported = Math.max(run.reported ?? 0, seen.score);
      return;
    case 'resumed':
      return reset(run);
    case 'ended':
      history.runs.delete(seen.runId);
  }
}

/** A person has reviewed the run and resumed it: earlier scores no longer count. */
function reset(run: RunHistory): void {
  run.peak = 0;
  run.reported = undefined;
  run.calls.clear();
  run.resources.clear();
  run.unrelated = 0;
  run.refused = 0;
}

function opened(history: History, { runId, parentRunId, purpose, task }: Of<'opened'>): void {
  if (history.runs.size >= DRIFT_LIMITS.runsPerTree) return;
  const parent = parentRunId === undefined ? undefined : history.runs.get(parentRunId);
  const own = goalOf(task ?? purpose ?? parent?.own.text ?? '');
  if (parentRunId === undefined) history.root = own;
  history.runs.set(runId, {
    runId,
    own,
    root: history.root,
    smuggled: parent ? smuggledIn(history, parent, task ?? purpose ?? '') : [],
    delegatedSources: parent?.delegatedSources ?? [],
    delegated: parent?.delegated ?? NOTHING,
    handsTo: handedOverIn(task ?? purpose ?? '').concat(parent?.handsTo ?? []),
    handed: parent?.handed ?? NOTHING,
    names: [...new Set([...identifiersIn(task ?? purpose ?? ''), ...(parent?.names ?? [])])].slice(0, NAMES),
    verbs: new Set(),
    calls: new Map(),
    resources: new Set(),
    unrelated: 0,
    refused: 0,
    types: new Set(),
    peak: 0,
    reported: undefined,
    thresholds: parent?.thresholds ?? [],
  });
}

/**
 * Finds identifiers in a task that its parent has only from an untrusted text: repeating them does not ask for them.
 */
function smuggledIn(history: History, parent: RunHistory, task: string): string[] {
  return identifiersIn(task).filter(
    (value) =>
      !holds(parent.root.text, value) &&
      (parent.smuggled.includes(value) || !holds(parent.own.text, value)) &&
      !holds(parent.delegated.text, value) &&
      history.results.some((result) => result.trust !== 'trusted' && holds(result.text, value)),
  );
}

function called(history: History, run: RunHistory, { actionId, call, permitted, score }: Of<'called'>): void {
  run.peak = Math.max(run.peak, score);
  count(run.calls, callKey(call));
  touch(run, call);
  run.types.add(call.resource.type);
  if (run.verbs.size < DRIFT_LIMITS.callsPerRun) run.verbs.add(call.verb);
  if (permitted && history.pending.size < DRIFT_LIMITS.pendingPerTree)
    history.pending.set(actionId, { runId: run.runId, call });
}

/** Returns the same key for the same call repeated. */
export const callKey = (call: Call): string =>
  `${call.verb}\n${resourceKey(call)}\n${JSON.stringify(call.args ?? null).slice(0, 400)}`;
export const resourceKey = (call: Call): string => `${call.resource.type}\n${call.resource.id}`;

function count(calls: Map<string, number>, key: string): void {
  const times = calls.get(key);
  if (times === undefined && calls.size >= DRIFT_LIMITS.callsPerRun) return;
  calls.set(key, (times ?? 0) + 1);
}

function touch(run: RunHistory, call: Call): void {
  const key = resourceKey(call);
  if (run.resources.has(key) || run.resources.size >= DRIFT_LIMITS.resourcesPerRun) return;
  run.resources.add(key);
  if (!isRelated(run, call)) run.unrelated += 1;
}

function returned(history: History, { actionId, text, labels }: Of<'returned'>): void {
  const waiting = history.pending.get(actionId);
  if (!waiting) return;
  history.pending.delete(actionId);
  if (text === undefined || text === '') return;
  const { runId, call } = waiting;
  const raw = text.slice(0, DRIFT_LIMITS.resultChars);
  const source = normalize(
    `${call.tool ?? ''} ${call.resource.type} ${call.resource.id} ${JSON.stringify(call.args ?? '')}`,
  );
  const run = history.runs.get(runId);
  if (run && run.delegatedSources.some((name) => holds(source, name))) {
    run.delegated = joined(run.delegated, raw);
    return;
  }
  const all = new Set([...call.labels, ...labels]);
  const trust = all.has('untrusted') ? 'untrusted' : all.has('trusted') ? 'trusted' : 'unlabelled';
  const clear = unescaped(raw);
  const handed = run && trust !== 'trusted' && run.handsTo.length > 0 ? handedParts(run, source, clear) : [];
  if (run && handed.length > 0 && run.handed.text.length < DRIFT_LIMITS.goalChars)
    run.handed = goalOf(`${run.handed.text} ${handed.map(({ from, to }) => clear.slice(from, to)).join(' ')}`);
  const orders =
    trust === 'trusted' ? [] : ordersIn(clear, (at) => handed.some(({ from, to }) => from <= at && at < to));
  const whole = normalize(clear);
  const rest = orders.reduce((left, order) => left.split(order.text).join(' | '), whole);
  const named = run !== undefined && namesOne(source, run.names);
  history.results.push({ runId, text: whole, rest, trust, orders, tool: call.tool ?? call.verb, named });
  if (history.results.length > DRIFT_LIMITS.resultsPerTree) history.results.shift();
}

/** Returns the parts of a result that are from a source to which the goal hands authority. */
function handedParts(run: RunHistory, source: string, text: string): Part[] {
  const parts = partsOf(text);
  if (namesOne(source, run.handsTo)) return parts;
  return parts.filter(({ from, to }) => namesOne(normalize(text.slice(from, to)), run.handsTo));
}
/** identifiers of a goal that are kept */
const NAMES = 64;

const joined = (goal: Goal, raw: string): Goal => goalOf(`${goal.text} ${normalize(raw)}`, DRIFT_LIMITS.delegatedChars);
