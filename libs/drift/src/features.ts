import { intentOfCall, type Family, type Intent } from './families';
import { callKey, resourceKey } from './history';
import type { Call, History, Returned, RunHistory } from './memory';
import { isRelated } from './related';
import { holds, identifiersIn, valuesOf, type Value, type ValueKind } from './values';
import { contentWords } from './words';

/** How strongly a call shows a feature, 0..1, and why, in one sentence. */
export interface Finding {
  readonly amount: number;
  /** quotes no argument and no result, since it is stored in an event permanently */
  readonly says: string;
  /** the same with quotations; stored in the event's payload, where it can be erased */
  readonly quotes?: string;
}
export const NONE: Finding = { amount: 0, says: '' };

/** The input of the features. Values that only some features need are computed on first use: most calls are reads. */
export class Look {
  private found: readonly Value[] | undefined;
  private meant: Intent | undefined;

  constructor(
    readonly history: History,
    readonly run: RunHistory,
    readonly call: Call,
  ) {}

  get does(): Intent {
    return (this.meant ??= intentOfCall(this.call));
  }

  /** values in neither the goal nor a source that it delegates to */
  get foreign(): readonly Value[] {
    return (this.found ??= foreignIn(this.run, this.call));
  }
}

function foreignIn(run: RunHistory, call: Call): Value[] {
  const named = identifiersIn(call.resource.id).map((text): Value => ({ text, kind: 'identifier', path: 'resource' }));
  return [...valuesOf(call.args), ...named].filter((value) => !isAskedFor(run, value.text));
}

function isAskedFor(run: RunHistory, value: string): boolean {
  if (run.smuggled.includes(value)) return false;
  return [run.own, run.root, run.delegated].some((goal) => holds(goal.text, value));
}

const CERTAINTY: Record<ValueKind, number> = { identifier: 1, name: 0.6, phrase: 0.4, number: 0.3 };

/** Estimates how likely a value found in a text came from it: a long match is less likely a coincidence. */
function certainty({ kind, text }: Value): number {
  if (kind === 'identifier' || kind === 'number') return CERTAINTY[kind];
  return Math.min(0.95, CERTAINTY[kind] + 0.2 * (text.split(' ').length - 1));
}
const TRUST: Record<Returned['trust'], number> = { untrusted: 1, unlabelled: 0.7, trusted: 0 };

/**
 * Detects a call that obeys a text that the run read: the directive and the call are of one family, and the target of
 * the call occurs in the directive and not in the goal.
 */
export function echo(look: Look): Finding {
  const { history, call } = look;
  let best = NONE;
  for (const result of history.results) {
    if (TRUST[result.trust] === 0) continue;
    for (const directive of result.directives) {
      const { does, foreign } = look;
      if (!directive.families.some((family) => does.families.has(family))) continue;
      const echoed = foreign.filter((value) => holds(directive.text, value.text));
      // if all targets of the call occur in one directive, a coincidence is unlikely
      const surely = echoed.length === foreign.length ? 0.6 : 1;
      for (const value of echoed) {
        const amount = TRUST[result.trust] * (1 - (1 - certainty(value)) * surely) * (call.effect === 'read' ? 0.6 : 1);
        if (amount <= best.amount) continue;
        best = {
          amount,
          says: "it does what a tool's result instructed, and the goal never asks for it",
          quotes: `it does what a tool's result instructed: ${quote(value.text)} occurs next to “${directive.text.slice(0, 40)}…”, and the goal never asks for it`,
        };
      }
    }
  }
  return best;
}

/** Detects values that decide the effect of the call and are known only from a tool's result. */
export function provenance(look: Look): Finding {
  const { history, run, call } = look;
  if (call.effect === 'read') return NONE;
  let best = NONE;
  for (const value of look.foreign) {
    const from = history.results.filter((result) => holds(result.text, value.text));
    if (from.length === 0) continue;
    // if the goal names one of the sources, the use of its values was asked for
    const named = from.some((result) => namesSource(run, result));
    const amount = Math.min(...from.map((result) => TRUST[result.trust])) * certainty(value) * (named ? 0.4 : 1);
    if (amount > best.amount)
      best = {
        amount,
        says: "one of its values comes only from a tool's result, not from the goal",
        quotes: `${quote(value.text)} (${value.path}) comes only from a tool's result, not from the goal`,
      };
  }
  return best;
}

function namesSource(run: RunHistory, result: Returned): boolean {
  const words = [...contentWords(result.source)];
  return words.some((word) => word.length > 3 && (run.own.words.has(word) || run.root.words.has(word)));
}

/** Detects a write, a sending or an execution of a kind that the goal never names. */
export function unasked(look: Look): Finding {
  const { run, call } = look;
  if (call.effect === 'read') return NONE;
  const { does } = look;
  const own = Math.min(missing(run.own.intent, does), missing(run.delegated.intent, does));
  const root = missing(run.root.intent, does);
  // a task written by a parent run weighs less than the person's own text
  const amount = Math.max(own, root * 0.4);
  if (amount === 0) return NONE;
  return { amount, says: `the goal names no ${[...does.families].join(' or ')} such as ${call.verb}` };
}

/** Returns 0 if the goal names the action and its object; 0.5 for one of them, or a near family; otherwise 1. */
function missing(goal: Intent, does: Intent): number {
  const families = [...does.families];
  if (!families.some((family) => goal.families.has(family))) {
    return families.some((family) => NEAR[family]?.some((near) => goal.families.has(near))) ? 0.5 : 1;
  }
  return does.objects.size === 0 || [...does.objects].some((object) => goal.objects.has(object)) ? 0 : 0.5;
}

/** Families whose verbs are often used for each other. */
const NEAR: Partial<Record<Family, readonly Family[]>> = {
  create: ['change'],
  change: ['create'],
  send: ['publish'],
  publish: ['send'],
};

/** Counts the different resources unrelated to the goal that the run has accessed. */
export function breadth({ run, call }: Look): Finding {
  if (run.unrelated < FREE) return NONE;
  const fresh = !run.resources.has(resourceKey(call));
  const unrelated = run.unrelated + (fresh && !isRelated(run, call) ? 1 : 0);
  const amount = 1 - Math.exp(-Math.max(0, unrelated - FREE) / SCALE);
  return { amount, says: `the run has accessed ${unrelated} different resources that the goal does not name` };
}
/**
 * Any task needs some exploration: this number of resources is free; beyond it the amount approaches 1 at this scale.
 */
const FREE = 8;
const SCALE = 20;

/** Detects a run that keeps requesting what it is refused, beyond the rate at which refusals are written one by one. */
export function probing({ run }: Pick<Look, 'run'>): Finding {
  if (run.refused === 0) return NONE;
  return {
    amount: 1 - 0.5 * Math.exp(-run.refused / REFUSED_SCALE),
    says: `the run was refused ${run.refused} times beyond the refusals that the log lists one by one`,
  };
}
const REFUSED_SCALE = 100;

/** Detects a change to a kind of resource that is related neither to the goal nor to earlier calls of the run. */
export function novelty({ run, call }: Look): Finding {
  if (call.effect === 'read' || run.types.has(call.resource.type)) return NONE;
  const words = contentWords(call.resource.type);
  if ([...words].some((word) => run.own.words.has(word) || run.root.words.has(word))) return NONE;
  return {
    amount: 1,
    says: `it changes a ${call.resource.type}, which the goal never names and the run had not accessed`,
  };
}

/** Detects the same write or sending repeated many times. */
export function repetition({ run, call }: Look): Finding {
  if (call.effect === 'read') return NONE;
  const times = (run.calls.get(callKey(call)) ?? 0) + 1;
  return { amount: Math.min(1, Math.max(0, times - 2) / 4), says: `it is the same call for the ${times}th time` };
}

/** Measures how few words the call and the goal share; it has the lowest weight. */
export function strangeness({ run, call }: Look): Finding {
  const words = contentWords(
    `${call.verb} ${call.tool ?? ''} ${call.resource.type} ${call.resource.id} ${JSON.stringify(call.args ?? '')}`,
  );
  if (words.size === 0) return NONE;
  let shared = 0;
  for (const word of words)
    if (run.own.words.has(word) || run.root.words.has(word) || run.delegated.words.has(word)) shared += 1;
  return {
    amount: 1 - Math.min(1, (2 * shared) / words.size),
    says: 'its words have little in common with those of the goal',
  };
}

const quote = (text: string): string => `“${text.length > 60 ? `${text.slice(0, 60)}…` : text}”`;
