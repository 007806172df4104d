import { intentOfCall, type Family, type Intent } from './families';
import type { Call, Goal, RunHistory } from './memory';
import { holds, identifiersIn, valuesOf, type Value } from './values';
import { contentWords, wordsOf } from './words';

/** How much counts of what only a source that the goal hands authority over asks for. */
export const HANDED = 0.5;
/** Stems shorter than this are compared whole; of longer ones, one may be the start of the other. */
const PREFIX = 4;
const MOST_WORDS = 60;
const LONG = { characters: 80, words: 5 } as const;

/** Reports whether a word, or a longer or shorter form of it, is among others. */
export function near(words: ReadonlySet<string>, word: string): boolean {
  if (words.has(word)) return true;
  if (word.length < PREFIX) return false;
  for (const each of words) if (each.length >= PREFIX && (each.startsWith(word) || word.startsWith(each))) return true;
  return false;
}

/** What a call does and what of it the goal of its run does not ask for. Parts are computed on first use. */
export class Asked {
  readonly does: Intent;
  /** what the person and the task ask for; the person alone if the task repeats what a parent read */
  private readonly goals: readonly Goal[];

  constructor(
    readonly run: RunHistory,
    readonly call: Call,
  ) {
    this.does = intentOfCall(call);
    this.goals = run.smuggled.length > 0 ? [run.root, run.delegated] : [run.own, run.root, run.delegated];
  }

  /** values that neither the goal nor a declared source of it has */
  get foreign(): readonly Value[] {
    return (this.found ??= this.foreignValues());
  }
  private found: readonly Value[] | undefined;

  private foreignValues(): Value[] {
    const { run, call } = this;
    const named = identifiersIn(call.resource.id).map((text): Value => ({
      text,
      kind: 'identifier',
      path: 'resource',
    }));
    return [...valuesOf(call.args), ...named].filter(
      ({ text }) => !MASKED.test(text) && !isNameOf(call, text) && !isAskedFor(run, text),
    );
  }

  /** paths of arguments that are long texts: what they mention is no target of the call */
  get texts(): ReadonlySet<string> {
    if (!this.long) addLong(this.call.args, '', 0, (this.long = new Set()));
    return this.long;
  }
  private long: Set<string> | undefined;

  /** Reports whether a value is made of words of the goal: `/reports/march` for "the report of March". */
  isDerived(value: string): boolean {
    const words = [...contentWords(value)].filter((word) => word.length > 2);
    return words.length > 0 && words.filter((word) => this.isNamed(word)).length * 2 >= words.length;
  }

  isNamed(word: string): boolean {
    return this.goals.some((goal) => near(goal.words, word));
  }

  /** stems of the words of the verb and the tool */
  get verbWords(): readonly string[] {
    return (this.verbs ??= [...contentWords(`${this.call.verb} ${this.call.tool ?? ''}`)]);
  }
  private verbs: readonly string[] | undefined;

  /** those that the goal does not have */
  get foreignVerbWords(): readonly string[] {
    return (this.verbsAbroad ??= this.verbWords.filter((word) => !this.isNamed(word)));
  }
  private verbsAbroad: readonly string[] | undefined;

  /** stems of the arguments, at most 60, and those of them that the goal does not have */
  get argumentWords(): { readonly all: readonly string[]; readonly foreign: readonly string[] } {
    if (this.words) return this.words;
    const args = this.call.args;
    const names = contentWords(typeof args === 'object' && args !== null ? Object.keys(args).join(' ') : '');
    const all = [...contentWords(JSON.stringify(args ?? '').replace(MASKS, ' '))]
      .filter((word) => !names.has(word))
      .slice(0, MOST_WORDS);
    return (this.words = { all, foreign: all.filter((word) => !this.isNamed(word)) });
  }
  private words: { all: readonly string[]; foreign: readonly string[] } | undefined;

  /** share of the call's words that the goal does not have; 0..1 */
  get uncovered(): number {
    const { all, foreign } = this.argumentWords;
    const words = this.verbWords.length + all.length;
    return words === 0 ? 1 : (this.foreignVerbWords.length + foreign.length) / words;
  }

  /** how far the goal names no such effect; 0..1 */
  get unasked(): number {
    const { handed } = this.run;
    const words = this.verbWords.length;
    const byWords =
      words === 0
        ? 1
        : this.foreignVerbWords.reduce((sum, word) => sum + (near(handed.words, word) ? HANDED : 1), 0) / words;
    const byGoal = Math.min(
      ...this.goals.filter(({ text }) => text !== '').map(({ intent }) => missing(intent, this.does)),
      1,
    );
    const bySource = handed.text === '' ? 1 : Math.max(HANDED, missing(handed.intent, this.does));
    return Math.min(byWords, byGoal, bySource);
  }
}

const MASKED = /redacted/;
const MASKS = /\[redacted\]/g;

/** The name of the call itself, where a tool is its own resource. */
const isNameOf = ({ resource, tool, verb }: Call, text: string): boolean =>
  text === resource.id.toLowerCase() && (text === tool?.toLowerCase() || text === verb.toLowerCase());

function isAskedFor(run: RunHistory, value: string): boolean {
  if (run.smuggled.includes(value)) return false;
  return [run.own, run.root, run.delegated].some((goal) => holds(goal.text, value));
}

function addLong(value: unknown, path: string, depth: number, into: Set<string>): void {
  if (typeof value === 'string') {
    if (value.length > LONG.characters || wordsOf(value).length > LONG.words * 2 || /(?:\S+\s+){5}\S/.test(value))
      into.add(path);
    return;
  }
  if (value === null || typeof value !== 'object' || depth > 8) return;
  for (const [key, each] of Object.entries(value)) addLong(each, path === '' ? key : `${path}.${key}`, depth + 1, into);
}

/** Returns 0 if the goal names the action and its object; 0.4 for the action alone, 0.5 for a near one; otherwise 1. */
function missing(goal: Intent, does: Intent): number {
  const families = [...does.families];
  if (!families.some((family) => goal.families.has(family)))
    return families.some((family) => NEAR[family]?.some((each) => goal.families.has(each))) ? 0.5 : 1;
  return does.objects.size === 0 || [...does.objects].some((object) => goal.objects.has(object)) ? 0 : 0.4;
}

/** Families whose verbs are often used for each other. */
const NEAR: Partial<Record<Family, readonly Family[]>> = {
  create: ['change'],
  change: ['create'],
  send: ['publish', 'pay'],
  publish: ['send'],
  pay: ['send'],
};
