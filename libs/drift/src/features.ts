import { intentOfCall, type Family, type Intent } from './families';
import { callKey, resourceKey } from './history';
import type { Call, History, Returned, RunHistory } from './memory';
import { isRelated } from './related';
import { holds, identifiersIn, valuesOf, type Value, type ValueKind } from './values';
import { contentWords } from './words';

/** How much of a feature a call shows, 0..1, and why, in one sentence. */
export interface Finding {
  readonly amount: number;
  /** holds nothing that stood in an argument or a result: it goes into an event, for good */
  readonly says: string;
  /** the same with what was found where, in its words: it stands beside the event, and can be erased */
  readonly quotes?: string;
}
export const NONE: Finding = { amount: 0, says: '' };

/** What the features look at. What only some of them need is worked out when the first one does: most calls are reads. */
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

  /** values that neither the goal nor a source it delegates to holds */
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

/** How surely a value found in a text came from it: the longer it is, the less a coincidence. */
function certainty({ kind, text }: Value): number {
  if (kind === 'identifier' || kind === 'number') return CERTAINTY[kind];
  return Math.min(0.95, CERTAINTY[kind] + 0.2 * (text.split(' ').length - 1));
}
const TRUST: Record<Returned['trust'], number> = { untrusted: 1, unlabelled: 0.7, trusted: 0 };

/**
 * Does the call do what a text that it read told somebody to do? The order and the call are of one family, and what
 * the call is aimed at stands in the order and not in the goal.
 */
export function echo(look: Look): Finding {
  const { history, call } = look;
  let best = NONE;
  for (const result of history.results) {
    if (TRUST[result.trust] === 0) continue;
    for (const directive of result.directives) {
      const { does, foreign } = look;
      if (!directive.families.some((family) => does.families.has(family))) continue;
      const told = foreign.filter((value) => holds(directive.text, value.text));
      // where all that the call is aimed at stands in that one order, it is hardly a coincidence
      const surely = told.length === foreign.length ? 0.6 : 1;
      for (const value of told) {
        const amount = TRUST[result.trust] * (1 - (1 - certainty(value)) * surely) * (call.effect === 'read' ? 0.6 : 1);
        if (amount <= best.amount) continue;
        best = {
          amount,
          says: "it does what a tool's result told to do, and the goal never asks for it",
          quotes: `it does what a tool's result told to do: ${quote(value.text)} stands beside “${directive.text.slice(0, 40)}…”, and the goal never asks for it`,
        };
      }
    }
  }
  return best;
}

/** Are the values that decide what the call does known from a tool's result alone? */
export function provenance(look: Look): Finding {
  const { history, run, call } = look;
  if (call.effect === 'read') return NONE;
  let best = NONE;
  for (const value of look.foreign) {
    const from = history.results.filter((result) => holds(result.text, value.text));
    if (from.length === 0) continue;
    // the goal named one of the places it came from: using what stands there is what was asked
    const named = from.some((result) => namesSource(run, result));
    const amount = Math.min(...from.map((result) => TRUST[result.trust])) * certainty(value) * (named ? 0.4 : 1);
    if (amount > best.amount)
      best = {
        amount,
        says: "a value of it comes only from a tool's result, not from the goal",
        quotes: `${quote(value.text)} (${value.path}) comes only from a tool's result, not from the goal`,
      };
  }
  return best;
}

function namesSource(run: RunHistory, result: Returned): boolean {
  const said = [...contentWords(result.source)];
  return said.some((word) => word.length > 3 && (run.own.words.has(word) || run.root.words.has(word)));
}

/** Is it a write, a sending or an execution of a kind that the goal never names? */
export function unasked(look: Look): Finding {
  const { run, call } = look;
  if (call.effect === 'read') return NONE;
  const { does } = look;
  const own = Math.min(missing(run.own.intent, does), missing(run.delegated.intent, does));
  const root = missing(run.root.intent, does);
  // a task in the words of a parent weighs less than the person's own
  const amount = Math.max(own, root * 0.4);
  if (amount === 0) return NONE;
  return { amount, says: `the goal names no ${[...does.families].join(' or ')} such as ${call.verb}` };
}

/** 0 where the goal speaks of such doing, and of what it is done to; 0.5 where only of one of them, or nearly; else 1. */
function missing(goal: Intent, does: Intent): number {
  const families = [...does.families];
  if (!families.some((family) => goal.families.has(family))) {
    return families.some((family) => NEAR[family]?.some((near) => goal.families.has(near))) ? 0.5 : 1;
  }
  return does.objects.size === 0 || [...does.objects].some((object) => goal.objects.has(object)) ? 0 : 0.5;
}

/** Who asks for the one often means the other. */
const NEAR: Partial<Record<Family, readonly Family[]>> = {
  create: ['change'],
  change: ['create'],
  send: ['publish'],
  publish: ['send'],
};

/** How many different things the run has touched that the goal has nothing to do with. */
export function breadth({ run, call }: Look): Finding {
  if (run.unrelated < FREE) return NONE;
  const fresh = !run.resources.has(resourceKey(call));
  const unrelated = run.unrelated + (fresh && !isRelated(run, call) ? 1 : 0);
  const amount = 1 - Math.exp(-Math.max(0, unrelated - FREE) / SCALE);
  return { amount, says: `the run has touched ${unrelated} different resources that the goal does not name` };
}
/** Looking around is part of any task: so many are free, and beyond it the amount nears 1 at this scale. */
const FREE = 8;
const SCALE = 20;

/** Does the run go on asking for what it is refused, more often than is written one by one? Work stops at a refusal; who probes does not. */
export function probing({ run }: Pick<Look, 'run'>): Finding {
  if (run.refused === 0) return NONE;
  return {
    amount: 1 - 0.5 * Math.exp(-run.refused / REFUSED_SCALE),
    says: `the run was refused ${run.refused} times more than the log tells one by one`,
  };
}
const REFUSED_SCALE = 100;

/** A kind of resource that neither the goal nor the run so far has to do with, changed at first sight. */
export function novelty({ run, call }: Look): Finding {
  if (call.effect === 'read' || run.types.has(call.resource.type)) return NONE;
  const words = contentWords(call.resource.type);
  if ([...words].some((word) => run.own.words.has(word) || run.root.words.has(word))) return NONE;
  return {
    amount: 1,
    says: `it changes a ${call.resource.type}, which the goal never speaks of and the run had not looked at`,
  };
}

/** The same write or sending over and over. */
export function repetition({ run, call }: Look): Finding {
  if (call.effect === 'read') return NONE;
  const times = (run.calls.get(callKey(call)) ?? 0) + 1;
  return { amount: Math.min(1, Math.max(0, times - 2) / 4), says: `it is the same call for the ${times}th time` };
}

/** Least of all: do the words of the call and of the goal have anything in common? */
export function strangeness({ run, call }: Look): Finding {
  const said = contentWords(
    `${call.verb} ${call.tool ?? ''} ${call.resource.type} ${call.resource.id} ${JSON.stringify(call.args ?? '')}`,
  );
  if (said.size === 0) return NONE;
  let shared = 0;
  for (const word of said)
    if (run.own.words.has(word) || run.root.words.has(word) || run.delegated.words.has(word)) shared += 1;
  return {
    amount: 1 - Math.min(1, (2 * shared) / said.size),
    says: 'its words have little in common with those of the goal',
  };
}

const quote = (text: string): string => `“${text.length > 60 ? `${text.slice(0, 60)}…` : text}”`;
